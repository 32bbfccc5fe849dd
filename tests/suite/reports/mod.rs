//! Programs that report over the API, with a token each.

mod activities;
mod events;
mod feed;
mod openapi;
mod payloads;
mod records;
mod tokens;
mod webhooks;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

/// A program with a token.
pub struct Program {
    pub nobody: Person,
    pub token: String,
    /// `api_tokens.id`
    pub id: String,
}

impl Program {
    /// One whose token `maker` made for `project`, with `scopes` parted by commas.
    pub fn of(console: &Console, maker: &Person, project: &str, scopes: &str) -> Self {
        let token = format!("ph_{}", console.app.entropy.secret());
        let id = console.text_with(
            "INSERT INTO pilothouse.api_tokens (hash, name, created_by, scopes) \
             VALUES ($1, 'CI', $2::uuid, string_to_array($3, ',')) RETURNING id",
            &[pilothouse::db::SecretHash::of(&token).as_str(), &maker.id, scopes],
        );
        console.sql(&format!("INSERT INTO pilothouse.api_token_projects VALUES ('{id}', '{project}')"));
        Self { nobody: console.anonymous(), token, id }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.nobody.request(method, path).bearer_auth(&self.token)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.nobody.send(self.request(Method::GET, path))
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.nobody.send(self.request(Method::POST, path).json(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.nobody.send(self.request(Method::PATCH, path).json(body))
    }

    /// [`Program::post`] with an `Idempotency-Key`.
    pub fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.nobody.send(self.request(Method::POST, path).header("idempotency-key", key).json(body))
    }
}
