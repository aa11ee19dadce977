//! An invented vendor for tests: a library that lends books. The document contains nothing from a
//! real vendor.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::document;
use crate::source::{self, Operation};

pub(crate) const DOCUMENT: &str = "\
openapi: 3.0.1
info:
  title: Library
  description: Lends books.
  version: '7'
  x-team: desk
servers:
  - url: https://library.example
    description: The only one.
    variables: {}
tags:
  - name: Loans
security:
  - Card: []
paths:
  /books:
    get:
      operationId: listBooks
      responses:
        200:
          description: Books.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Book'
  /loans:
    parameters:
      - $ref: '#/components/parameters/Branch'
    post:
      operationId: openLoan
      summary: Lend
      tags: [Loans]
      parameters: []
      requestBody:
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/LoanRequest'
            example: { title: Emma }
      responses:
        201:
          description: Lent.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Loan'
  /loans/{id}/end:
    post:
      operationId: endLoan
      x-weight: 3
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
      security:
        - Desk: []
      responses:
        204:
          description: Ended.
components:
  parameters:
    Branch:
      name: branch
      in: query
      description: Where.
      schema:
        type: string
        example: north
  schemas:
    Book:
      type: object
    Loan:
      description: A loan.
      type: object
      required: [title, due]
      properties:
        due: { type: string, format: date, example: '2030-01-01' }
        title: { type: string, title: Title }
        kind: { $ref: '#/components/schemas/Kind' }
        follows: { $ref: '#/components/schemas/Loan' }
    LoanRequest:
      type: object
      properties:
        title: { type: string }
        description: { type: string, description: In the reader's words. }
        example: { type: string }
    Kind:
      type: string
      enum: [short, long]
  securitySchemes:
    Card: { type: http, scheme: basic }
    Desk: { type: http, scheme: bearer, description: For staff. }
    Unused: { type: http, scheme: digest }
";

pub(crate) const SOURCE: &str = "\
# Where it is from.
kind = \"document\"
url = \"https://library.example/openapi.yaml\"
revision = \"first\" # as the library calls it
sha256 = \"0000\"

[[operation]]
id = \"createLoan\"
method = \"post\"
path = \"/loans\"
formerly = [\"openLoan\"]

[[operation]]
id = \"endLoan\"
method = \"post\"
path = \"/loans/{id}/end\"
";

pub(crate) const OVERLAY: &str = "\
overlay: 1.0.0
info: { title: Library, version: '1' }
actions:
  - target: $.components.schemas.Loan
    update: { description: What was lent. }
    x-kind: ours
    x-why: Docs.
    x-source: the desk
";

pub(crate) fn document() -> Value {
    edited("", "")
}

pub(crate) fn edited(from: &str, to: &str) -> Value {
    assert!(DOCUMENT.contains(from), "{from} is not in the fixture");
    read(&DOCUMENT.replace(from, to))
}

pub(crate) fn read(text: &str) -> Value {
    document::parse("fixture", text.as_bytes()).unwrap()
}

pub(crate) fn kept() -> Vec<Operation> {
    source::parse("fixture", SOURCE).unwrap().operations
}

pub(crate) fn workspace() -> TempDir {
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("specs/library")).unwrap();
    put(root.path(), "document.yaml", DOCUMENT);
    put(root.path(), "specs/library/source.toml", SOURCE);
    put(root.path(), "specs/library/overlay.yaml", OVERLAY);
    root
}

pub(crate) fn put(root: &Path, name: &str, text: &str) {
    fs::write(root.join(name), text).unwrap();
}

pub(crate) fn files(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
