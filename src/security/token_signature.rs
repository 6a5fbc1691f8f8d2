//! The signatures of tokens: HMAC with SHA-2, as a cryptography provider for jsonwebtoken. Its own providers include RSA and
//! elliptic curves, which are not used here.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{self, ErrorKind};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use sha2::{Sha256, Sha384, Sha512};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| {
        Ok(Box::new(HmacKey::new(*algorithm, key.family(), key.as_bytes())?))
    },
    verifier_factory: |algorithm, key: &DecodingKey| {
        Ok(Box::new(HmacKey::new(*algorithm, key.family(), key.try_get_as_bytes()?)?))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// Installs the provider for the whole process.
pub(super) fn install() {
    // Only the first call has an effect.
    let _ = PROVIDER.install_default();
}

/// A secret, with the algorithm that it is used for.
enum HmacKey {
    Hs256(Hmac<Sha256>),
    Hs384(Hmac<Sha384>),
    Hs512(Hmac<Sha512>),
}

impl HmacKey {
    fn new(algorithm: Algorithm, family: AlgorithmFamily, secret: &[u8]) -> errors::Result<Self> {
        if family != AlgorithmFamily::Hmac {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        let key = match algorithm {
            Algorithm::HS256 => Hmac::new_from_slice(secret).map(Self::Hs256),
            Algorithm::HS384 => Hmac::new_from_slice(secret).map(Self::Hs384),
            Algorithm::HS512 => Hmac::new_from_slice(secret).map(Self::Hs512),
            _ => return Err(ErrorKind::InvalidAlgorithm.into()),
        };
        key.map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }

    fn used_for(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::HS256,
            Self::Hs384(_) => Algorithm::HS384,
            Self::Hs512(_) => Algorithm::HS512,
        }
    }
}

impl Signer<Vec<u8>> for HmacKey {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match self {
            Self::Hs256(key) => key.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Hs384(key) => key.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Hs512(key) => key.clone().chain_update(message).finalize().into_bytes().to_vec(),
        })
    }
}

impl Verifier<Vec<u8>> for HmacKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        // `verify_slice` compares in constant time.
        let verified = match self {
            Self::Hs256(key) => key.clone().chain_update(message).verify_slice(signature),
            Self::Hs384(key) => key.clone().chain_update(message).verify_slice(signature),
            Self::Hs512(key) => key.clone().chain_update(message).verify_slice(signature),
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtSigner for HmacKey {
    fn algorithm(&self) -> Algorithm {
        self.used_for()
    }
}

impl JwtVerifier for HmacKey {
    fn algorithm(&self) -> Algorithm {
        self.used_for()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;

    /// The example of RFC 7515, appendix A.1.
    const RFC_TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const RFC_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn validation(algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        validation
    }

    #[test]
    fn the_example_of_rfc_7515_is_valid() {
        install();
        let token: String = RFC_TOKEN.split_whitespace().collect();
        let key = DecodingKey::from_base64_secret(&(RFC_KEY.replace('-', "+").replace('_', "/") + "==")).unwrap();
        let claims = decode::<Value>(&token, &key, &validation(Algorithm::HS256)).unwrap().claims;
        assert_eq!(claims["iss"], "joe");
    }

    #[test]
    fn each_algorithm_verifies_only_its_own_signatures() {
        install();
        let algorithms = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        for signed in algorithms {
            let key = EncodingKey::from_secret(b"a secret");
            let token = encode(&Header::new(signed), &json!({"sub": "7"}), &key).unwrap();
            for checked in algorithms {
                let right = decode::<Value>(&token, &DecodingKey::from_secret(b"a secret"), &validation(checked));
                assert_eq!(right.is_ok(), signed == checked, "{signed:?} {checked:?}");
                let wrong = decode::<Value>(&token, &DecodingKey::from_secret(b"another"), &validation(checked));
                assert!(wrong.is_err());
            }
        }
    }
}
