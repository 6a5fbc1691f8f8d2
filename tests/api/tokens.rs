//! Manipulated tokens and key rotation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tableorder::config::Secret;

use crate::support::{ApiClient, TestApp};

/// A decoded part of a token.
fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// `claims` signed with the server's secret under `header`.
fn signed(header: &Value, claims: &Value, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = EncodingKey::from_secret(TestApp::SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The token with changed claims and a valid signature.
pub fn with_claims(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = part(token, 1);
    change(&mut claims);
    signed(&part(token, 0), &claims, Algorithm::HS256)
}

/// `claims` with `changes`.
fn with(claims: &Value, changes: &[(&str, Value)]) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn no_manipulated_token_is_accepted() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let neighbour = other.admin().await;
    let ticket = admin.post("/admin/orders/stream/ticket", &json!({})).await.ok()["ticket"].clone();
    let ticket = admin.with_token(ticket.as_str().unwrap());
    for (client, path) in [(&admin, "/admin/auth/me"), (&tablet, "/customer/menu"), (&ticket, "/admin/auth/me")] {
        let token = client.token();
        let [head, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let (header, claims) = (part(token, 0), part(token, 1));
        let unsigned = encode(&json!({"typ": "JWT", "alg": "none", "kid": header["kid"]}));
        let edited =
            |name: &str, value: Value| format!("{head}.{}.{signature}", encode(&with(&claims, &[(name, value)])));
        // Valid signatures over claims that the server never issues.
        let forged = |changes: &[(&str, Value)]| signed(&header, &with(&claims, changes), Algorithm::HS256);
        let under = |name: &str, value: Value| signed(&with(&header, &[(name, value)]), &claims, Algorithm::HS256);
        let mut without_exp = claims.clone();
        without_exp.as_object_mut().unwrap().remove("exp");
        let mut without_epoch = claims.clone();
        without_epoch.as_object_mut().unwrap().remove("epoch").unwrap();
        let mut without_kid = header.clone();
        without_kid.as_object_mut().unwrap().remove("kid");
        let theirs: Vec<_> = neighbour.token().split('.').collect();
        let far = json!(claims["exp"].as_i64().unwrap() + 1_000_000);
        let bad = [
            ("alg none", format!("{unsigned}.{body}.")),
            ("alg none, signature kept", format!("{unsigned}.{body}.{signature}")),
            ("another alg", signed(&with(&header, &[("alg", json!("HS512"))]), &claims, Algorithm::HS512)),
            ("another alg named", under("alg", json!("HS384"))),
            ("an asymmetric alg named", under("alg", json!("RS256"))),
            ("an unknown key", under("kid", json!("AAAAAAAA"))),
            ("no key", signed(&without_kid, &claims, Algorithm::HS256)),
            ("a path as key", under("kid", json!("../../dev/null"))),
            ("aud swapped", edited("aud", json!(if claims["aud"] == "admin" { "table" } else { "admin" }))),
            ("another store", edited("store", json!(claims["store"].as_i64().unwrap() + 1))),
            ("another account", edited("sub", json!(1_000_000))),
            ("a longer life", edited("exp", far)),
            ("aud unknown, signed", forged(&[("aud", json!("root"))])),
            ("aud a list, signed", forged(&[("aud", json!(["admin", "table"]))])),
            ("exp a text, signed", forged(&[("exp", json!(claims["exp"].to_string()))])),
            ("exp gone, signed", signed(&header, &without_exp, Algorithm::HS256)),
            ("exp huge, signed", forged(&[("exp", json!(1e300))])),
            ("another issuer, signed", forged(&[("iss", json!("elsewhere"))])),
            ("epoch gone, signed", signed(&header, &without_epoch, Algorithm::HS256)),
            ("another epoch, signed", forged(&[("epoch", json!("0193475e-94a8-7d2c-9c57-0a6c1f3f7f10"))])),
            ("an older version, signed", forged(&[("version", json!(0))])),
            ("another's id, signed", forged(&[("sub", json!(1_000_000))])),
            ("signature gone", format!("{head}.{body}.")),
            ("signature of another", format!("{head}.{body}.{}", theirs[2])),
            ("body of another", format!("{head}.{}.{signature}", theirs[1])),
            ("two parts", format!("{head}.{body}")),
            ("four parts", format!("{token}.{signature}")),
            ("truncated", token[..token.len() - 1].to_owned()),
            ("halved", token[..token.len() / 2].to_owned()),
            ("in quotes", format!("\"{token}\"")),
            ("not a token", "x".to_owned()),
            ("30 KB long", "x".repeat(30_000)),
            ("30 KB of claims", forged(&[("iss", json!("x".repeat(20_000)))])),
        ];
        for (what, bad) in bad {
            let answer = client.with_token(&bad).get(path).await;
            assert_eq!(answer.status, 401, "{what}: {}", answer.body);
            let code = answer.body["error"]["code"].as_str().unwrap().to_owned();
            assert!(["INVALID_TOKEN", "INVALID_TOKEN_TYPE"].contains(&code.as_str()), "{what}: {code}");
        }
        // Beyond the header limit the token is not read.
        let long = client.with_token(&"x".repeat(40_000)).get(path).await;
        long.refused(431, "HEADER_TOO_LARGE");
        // Valid tokens are still accepted; the ticket is not valid for this route.
        if client.token() != ticket.token() {
            client.get(path).await.ok();
        }
    }
}

#[tokio::test]
async fn a_key_is_rotated_while_its_tokens_stay_valid() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let old = store.admin().await;
    let with_keys = async |secret: &str, previous: &[&str]| {
        let previous = previous.iter().map(|key| Secret::new(*key)).collect();
        TestApp::start_with_secret(app.options.clone(), secret, |config| config.jwt.previous_secrets = previous).await
    };
    let exchanged = with_keys("the new secret of these tests", &[TestApp::SECRET]).await;
    let me = |instance: &TestApp, client: &ApiClient| {
        let client = instance.anonymous().with_token(client.token());
        async move { client.get("/admin/auth/me").await }
    };
    me(&exchanged, &old).await.ok();
    let login = json!({"store_id": "demo", "username": "admin", "password": "admin1234"});
    let token = exchanged.anonymous().post("/admin/auth/login", &login).await.ok()["token"].clone();
    let new = app.anonymous().with_token(token.as_str().unwrap());
    assert_ne!(part(new.token(), 0)["kid"], part(old.token(), 0)["kid"]);
    me(&exchanged, &new).await.ok();
    // An instance without the new key refuses its tokens. Added to the previous keys in advance, it accepts them.
    me(&app, &new).await.refused(401, "INVALID_TOKEN");
    let prepared = with_keys(TestApp::SECRET, &["the new secret of these tests"]).await;
    me(&prepared, &new).await.ok();
    let done = with_keys("the new secret of these tests", &[]).await;
    me(&done, &old).await.refused(401, "INVALID_TOKEN");
    me(&done, &new).await.ok();
}
