//! Consoles with people in them, for the tests of pages about people.

use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pilothouse::auth::password;
use pilothouse::db::SecretHash;
use reqwest::header::CONTENT_TYPE;
use uuid::Uuid;

use crate::support::answer::Answer;
use crate::support::client::Client;
use crate::support::console::Console;

/// Everybody's password.
pub const PASSWORD: &str = "four unrelated words";

static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| password::hash_blocking(PASSWORD).unwrap());

/// A running console; people come as they are asked for.
pub struct Town(Console);

impl Deref for Town {
    type Target = Console;

    fn deref(&self) -> &Console {
        &self.0
    }
}

/// Somebody with a password and a browser that is signed in.
pub struct Person {
    /// `users.id`
    pub id: String,
    /// Their address.
    pub email: String,
    /// `sessions.id` of the browser.
    pub session: String,
    client: Client,
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Town {
    /// A console without anybody.
    pub fn start() -> Self {
        Self(Console::start())
    }

    /// A new owner.
    pub fn owner(&self) -> Person {
        self.person("owner")
    }

    /// A new admin.
    pub fn admin(&self) -> Person {
        self.person("admin")
    }

    fn person(&self, role: &str) -> Person {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let user = self.stage.user(&format!("{role}{}", NUMBER.fetch_add(1, Ordering::Relaxed)), role);
        let hash = &*PASSWORD_HASH;
        self.stage.execute(&format!(
            "UPDATE users SET password_hash = '{hash}', name = 'The {role}' WHERE id = '{user}'"
        ));
        self.another_browser(&user.to_string())
    }

    /// The user with this id in another browser, signed in.
    pub fn another_browser(&self, id: &str) -> Person {
        let user: Uuid = id.parse().unwrap();
        let token = self.app.entropy.secret();
        let session = self.stage.session(user, SecretHash::of(&token).as_str());
        self.stage.execute(&format!(
            "UPDATE sessions SET user_agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' \
             WHERE id = '{session}'"
        ));
        let client = self.anonymous();
        client.set_cookie(self.app.config.cookie_name(), &self.signed(&token));
        let email = self.stage.value(&format!("email FROM users WHERE id = '{user}'")).unwrap();
        Person { id: id.to_owned(), email, session: session.to_string(), client }
    }
}

impl Person {
    /// Whether the console still knows who this is.
    pub fn is_signed_in(&self) -> bool {
        let answer = self.get("/account");
        if answer.status == 303 {
            assert_eq!(answer.location(), "/login?next=%2Faccount");
        }
        answer.status == 200
    }
}

/// Sends `body` as a form, whatever it holds.
pub fn post_raw(client: &Client, path: &str, body: &str) -> Answer {
    let request = client.own_post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    client.send(request.body(body.to_owned()))
}

/// What tests ask an answer about several elements at once.
pub trait Says {
    /// All texts of what matches `css`, in one.
    fn text(&self, css: &str) -> String;
    /// Whether anything matches `css`.
    fn has(&self, css: &str) -> bool;
}

impl Says for Answer {
    fn text(&self, css: &str) -> String {
        self.texts_of(css).join(" | ")
    }

    fn has(&self, css: &str) -> bool {
        !self.select(css).is_empty()
    }
}
