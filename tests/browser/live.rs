//! Pages that show what happens while they are open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use pilothouse::db::SecretHash;
use pilothouse::jobs;

use crate::browser::{Browser, Habits, MOMENT, TRIES, browse};
use crate::support::console::{Console, PASSWORD};

/// Waits until the script says true.
async fn until(browser: &Browser, what: &str, script: &str) {
    for _ in 0..TRIES {
        if browser.script(&format!("return Boolean({script})")).await == true {
            return;
        }
        tokio::time::sleep(MOMENT).await;
    }
    panic!("{what}: not seen on {}\n{}", browser.path().await, browser.driver.source().await.unwrap())
}

fn record(console: &Console, project: &str, id: &str, status: &str, minutes: u32) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, created_at) \
         VALUES ('{id}', '{project}', 'deployment', '{status}', \
                 (extract(epoch FROM now()) * 1000)::bigint - 3600000 + {minutes} * 60000) \
         ON CONFLICT (action_id) DO UPDATE SET status = excluded.status"
    ));
}

#[test]
fn what_happens_elsewhere_comes_in_without_moving_what_is_read() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    record(&console, &project, "first", "success", 1);
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open(&format!("/projects/{project}/activity")).await;
        let row = "document.querySelector(\"[data-activity='first']\")";
        until(&browser, "the entry is there", row).await;
        browser.script(&format!("{row}.isTheSame = true")).await;
        // The stream is open once the page was asked for again.
        record(&console, &project, "first", "failed", 1);
        until(
            &browser,
            "a state changes in place",
            &format!("{row}.isTheSame && {row}.dataset.tone === 'bad'"),
        )
        .await;
        for (n, id) in ["second", "third"].into_iter().enumerate() {
            record(&console, &project, id, "success", u32::try_from(n).unwrap() + 2);
        }
        until(&browser, "news wait above", "document.querySelector('.live-news')?.textContent === '2 new'")
            .await;
        assert_eq!(browser.count("[data-activity='second']").await, 0, "nothing moved under the reader");
        browser.follow(".live-news a").await;
        assert_eq!(browser.count("[data-activity='second'], [data-activity='third']").await, 2);
        assert_eq!(browser.count(".live-news").await, 0);

        browser.open("/projects").await;
        browser.fill("main input[name=q]", "half a wor").await;
        let newcomer = console.project(&owner, "newcomer");
        record(&console, &newcomer, "fourth", "success", 4);
        until(
            &browser,
            "a list has its new row",
            "[...document.querySelectorAll('[data-project] .name')].some((cell) => cell.textContent.includes('newcomer'))",
        )
        .await;
        let typed = browser.find("main input[name=q]").await.prop("value").await.unwrap();
        assert_eq!(typed.as_deref(), Some("half a wor"), "what is typed stays");
    });
}

#[test]
fn eight_tabs_share_one_stream_and_the_ninth_page_is_there_at_once() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        for _ in 0..8 {
            browser.driver.new_tab().await.unwrap();
            let tab = browser.driver.windows().await.unwrap().pop().unwrap();
            browser.driver.switch_to_window(tab).await.unwrap();
            browser.open("/activity").await;
            browser.find("h1").await;
        }
        assert!(console.app.live.count() <= 1, "{} streams", console.app.live.count());
    });
}

#[test]
fn a_page_learns_that_its_session_has_ended() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/projects").await;
        browser.find("h1").await;
        for _ in 0..TRIES {
            if console.app.live.count() == 1 {
                break;
            }
            tokio::time::sleep(MOMENT).await;
        }
        console.sql("UPDATE sessions SET is_active = false");
        until(
            &browser,
            "the page says so",
            "document.querySelector('.live-state')?.textContent.includes('signed out')",
        )
        .await;
        assert_eq!(console.app.live.count(), 0);
    });
}

#[test]
fn what_one_window_reports_as_the_api_page_prints_it_comes_into_the_other() {
    let console = Console::start();
    let runner = jobs::start(console.app.clone());
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    record(&console, &project, "first", "success", 1);
    let token = format!("ph_{}", console.app.entropy.secret());
    console.sql(&format!(
        "WITH made AS (INSERT INTO pilothouse.api_tokens (hash, name, created_by, scopes) \
             VALUES ('{}', 'CI', '{id}', '{{read,report}}') RETURNING id) \
         INSERT INTO pilothouse.api_token_projects SELECT id, '{project}' FROM made",
        SecretHash::of(&token).as_str()
    ));
    let page = owner.get("/api").expect(200);
    // As it is printed: each line counts.
    let printed: Vec<String> =
        page.select("pre[data-command]").into_iter().map(|command| command.text().collect()).collect();
    let commands = printed.join("\n").replace("read -r TOKEN", "true");
    browse(&console.base.clone(), Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open(&format!("/projects/{project}/activity")).await;
        until(&browser, "the entry is there", "document.querySelector(\"[data-activity='first']\")").await;
        let mut shell = Command::new("bash");
        shell.args(["-e", "-o", "pipefail", "-c", &commands]).env("no_proxy", "*").env("TOKEN", &token);
        let out = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let news = "document.querySelector('.live-news')?.textContent.includes('new')";
        until(&browser, "news wait above", news).await;
        browser.follow(".live-news a").await;
        assert!(browser.count("[data-activity^='push-']").await >= 3);
        // From what was reported last to all that led to it.
        let last = "[data-activity^='push-'][data-activity$='-live'] a[href^='/threads/']";
        let thread = browser.find(last).await.attr("href").await.unwrap().unwrap();
        browser.open(&thread).await;
        assert!(browser.count("ol.timeline > li").await >= 3, "push, deployment and indexing");

        drop(runner);
        drop(console);
        let away = "document.querySelector('.live-state')?.textContent.includes('Reconnecting')";
        until(&browser, "the page says that the console is away", away).await;
    });
}

/// The address of a proxy that hands on an answer when it has all of it. A stream's it never has.
fn buffering(base: &str) -> String {
    let upstream = base.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = upstream.clone();
            std::thread::spawn(move || hand_on(client, &upstream));
        }
    });
    address
}

fn hand_on(mut client: TcpStream, upstream: &str) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = told.trim().parse().ok()?;
        }
        head.push_str(if line.starts_with("Connection:") { "Connection: close\r\n" } else { &line });
    }
    let (mut body, mut answer) = (Vec::new(), Vec::new());
    reader.take(length).read_to_end(&mut body).ok()?;
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(head.as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    server.read_to_end(&mut answer).ok()?;
    client.write_all(&answer).ok()
}

#[test]
fn behind_a_proxy_that_holds_streams_back_a_page_asks_and_says_so() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    record(&console, &project, "first", "success", 1);
    browse(&buffering(&console.base), Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open(&format!("/projects/{project}/activity")).await;
        until(&browser, "the entry is there", "document.querySelector(\"[data-activity='first']\")").await;
        record(&console, &project, "second", "success", 2);
        let asks = "document.querySelector('.live-state')?.textContent.includes('every 10 s')";
        until(&browser, "the page says that it asks", asks).await;
        let news = "document.querySelector('.live-news')?.textContent === '1 new'";
        until(&browser, "and news wait above", news).await;
    });
}
