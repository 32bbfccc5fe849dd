//! How visitors get on: the funnel, and their conversations. For admins.

pub mod credit;
pub mod crm;
pub mod funnel;
pub mod invite;
pub mod session;
pub mod sessions;

use crate::web::display::Tab;

fn tabs(current: &str) -> Vec<Tab> {
    [
        ("Funnel", "/intake"),
        ("Conversations", "/intake/sessions"),
        ("Attribution", "/intake/attribution"),
        ("Sales", "/intake/crm"),
    ]
    .map(|(label, url)| Tab { label, url: url.to_owned(), current: url == current })
    .to_vec()
}
