//! Reads, changes and rebuilds backup archives, as an attacker would.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

#[derive(Clone)]
pub struct Archive {
    pub entries: Vec<(String, Vec<u8>)>,
    manifest: Value,
}

impl Archive {
    pub fn read(path: &Path) -> Self {
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
        let mut entries = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            entries.push((entry.path().unwrap().to_str().unwrap().to_owned(), content));
        }
        let (_, manifest) = entries.pop().unwrap();
        Self { entries, manifest: serde_json::from_slice(&manifest).unwrap() }
    }

    pub fn manifest(&mut self) -> &mut Value {
        &mut self.manifest
    }

    /// The manifest's entry for a table.
    pub fn table(&mut self, name: &str) -> &mut Value {
        let tables = self.manifest["tables"].as_array_mut().unwrap();
        tables.iter_mut().find(|table| table["name"] == name).unwrap()
    }

    /// Replaces the rows of a table, with matching count, size and checksum.
    pub fn set_rows(&mut self, table: &str, rows: &str) {
        let name = format!("{table}/000001");
        if let Some(entry) = self.entries.iter_mut().find(|(entry, _)| *entry == name) {
            entry.1 = rows.as_bytes().to_vec();
        }
        let digest = Sha256::digest(rows);
        let entry = self.table(table);
        entry["rows"] = rows.matches('\n').count().into();
        entry["bytes"] = rows.len().into();
        entry["sha256"] = hex::encode(digest).into();
    }

    pub fn rows(&self, table: &str) -> String {
        let name = format!("{table}/000001");
        let (_, rows) = self.entries.iter().find(|(entry, _)| *entry == name).unwrap();
        String::from_utf8(rows.clone()).unwrap()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in &self.entries {
            append(&mut builder, name, content, EntryType::Regular);
        }
        append(&mut builder, "manifest.json", &serde_json::to_vec(&self.manifest).unwrap(), EntryType::Regular);
        builder.into_inner().unwrap().finish().unwrap()
    }

    pub fn write(&self, path: &Path) {
        fs::write(path, self.bytes()).unwrap();
    }
}

/// Appends an entry of any name and type, even those that `tar` refuses to write.
pub fn append(builder: &mut Builder<impl Write>, name: &str, content: &[u8], kind: EntryType) {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    header.set_cksum();
    builder.append(&header, content).unwrap();
}
