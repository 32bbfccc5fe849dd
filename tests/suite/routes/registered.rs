//! The routes that are registered, as the router itself tells them.

use std::collections::BTreeSet;

use actix_web::introspection::IntrospectionTree;
use actix_web::{App, test, web};
use pilothouse::server::mount;

/// Method and pattern of each route.
pub fn routes() -> BTreeSet<(String, String)> {
    const TELL: &str = "/what-is-registered";
    let told = actix_web::rt::System::new().block_on(async {
        let tell = async |tree: web::Data<IntrospectionTree>| tree.report_as_json();
        let app = test::init_service(App::new().configure(mount).route(TELL, web::get().to(tell))).await;
        test::call_and_read_body(&app, test::TestRequest::get().uri(TELL).to_request()).await
    });
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let mut routes = BTreeSet::new();
    for item in told.as_array().unwrap() {
        let pattern = item["full_path"].as_str().unwrap();
        for method in item["methods"].as_array().unwrap() {
            routes.insert((method.as_str().unwrap().to_owned(), pattern.to_owned()));
        }
    }
    assert!(routes.remove(&("GET".to_owned(), TELL.to_owned())));
    routes
}
