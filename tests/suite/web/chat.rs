//! A project's conversations.

use crate::support::answer::Answer;
use crate::support::console::{Console, Person, until};

/// Walks from `start` along the links of kind `rel`; answers what `attribute` of `rows` says, and the last page.
fn walk(person: &Person, start: &str, rel: &str, rows: &str, attribute: &str) -> (Vec<String>, String) {
    person.walk(start, rel, |page| page.attributes(rows, attribute))
}

#[test]
fn an_owner_asks_about_their_project_and_the_console_answers_from_its_records() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    let (project, container) = console.project_in_container(&ada, "shop");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, created_at) \
         VALUES ('act_1', '{project}', 'deployment', 'No space [left](https://evil.test)', 'failed', \
                 (extract(epoch FROM now()) * 1000)::bigint - 3600000)"
    ));
    let chat = format!("/projects/{project}/chat");
    assert!(ada.get(&chat).expect(200).text("main").contains("Your message goes to nobody else"));
    for person in [&grace, &root] {
        person.post(&chat, &[("text", "Why did it fail?")]).expect(404);
    }
    assert!(!root.get(&chat).expect(200).has("textarea"), "it is its owner's to write");
    for (text, links, words) in
        [("", "", "Write a message"), ("x", "javascript:alert(1)", "addresses that begin with http")]
    {
        let refused = ada.post(&chat, &[("text", text), ("links", links)]).expect(422);
        let main = refused.text("main");
        assert!(refused.has("[role=alert]") && main.contains(words), "{main}");
        assert_eq!(refused.text("textarea[name=links]").trim(), links, "what was typed stays");
    }
    assert_eq!(console.count("chat_messages"), 0);
    let _runner = pilothouse::jobs::start(console.app.clone());

    let sent =
        ada.post(&chat, &[("text", "Why did it fail?"), ("links", "https://x.test/shot.png")]).expect(303);

    until("it is answered", || console.count("chat_messages WHERE role = 'assistant'") == 1);
    let page = ada.get(sent.location()).expect(200);
    let answer = page.text("[data-speaker=assistant]");
    assert!(answer.contains("The last failure was 60 minutes ago: No space"), "{answer}");
    assert!(answer.contains("Answered by the console, from its records"), "{answer}");
    assert_eq!(page.attribute("[data-speaker=assistant] a.led-to", "href"), "/entries?id=act_1");
    assert_eq!(page.attribute("[data-speaker=user] .attachments a", "href"), "https://x.test/shot.png");
    let session = page.attribute("input[name=session]", "value");
    ada.post(&chat, &[("text", "Is it running?"), ("session", &session)]).expect(303);
    until("it is answered, too", || console.count("chat_messages WHERE role = 'assistant'") == 2);
    assert_eq!(
        console
            .count(&format!("chat_messages WHERE session_id = '{session}' AND container_id = '{container}'")),
        4
    );

    // Each message has its event, and an answer follows from what was asked.
    let chain = "\"ActivityEvent\" r JOIN \"ActivityEvent\" s ON r.metadata->>'caused_by' = 'event:' || s.id \
                 WHERE r.\"eventType\" = 'CHAT_MESSAGE_RECEIVED' AND s.\"eventType\" = 'CHAT_MESSAGE_SENT'";
    assert_eq!(console.count(chain), 2);
    console.sql("UPDATE turbobackend.message_cost_tracker SET input_tokens = 1000, output_tokens = 200, cost_usd = 0.0125");
    let overview = ada.get(&format!("/projects/{project}")).expect(200);
    assert_eq!(overview.texts("[data-costs] td"), ["2", "2,400", "$0.025"]);
}

#[test]
fn another_owner_sees_no_conversation_and_no_message() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    let (project, container) = console.project_in_container(&ada, "shop");
    let message = console.message(&container, "s1", 0, "user", "a secret wish");
    let (own, own_container) = console.project_in_container(&grace, "blog");
    console.message(&own_container, "s1", 0, "user", "the same name, another chat");

    let chat = format!("/projects/{project}/chat");
    for path in [
        chat.clone(),
        format!("{chat}?session=s1"),
        format!("{chat}?message={message}"),
        format!("{chat}?q=secret"),
        format!("{chat}/{message}/raw"),
        // A message of another container is not part of one's own project.
        format!("/projects/{own}/chat?message={message}"),
        format!("/projects/{own}/chat/{message}/raw"),
    ] {
        grace.get(&path).expect(404);
    }
    for person in [&ada, &root] {
        assert!(person.get(&format!("{chat}?session=s1")).expect(200).text("main").contains("a secret wish"));
        assert_eq!(
            person.get(&chat).expect(200).attributes("[data-conversation]", "data-conversation"),
            ["s1"]
        );
    }
    assert!(!grace.get(&format!("/projects/{own}/chat?session=s1")).expect(200).body.contains("secret"));
    // A container that the project's owner can't see is none.
    console.sql(&format!("UPDATE projects SET container_id = '{container}' WHERE id = '{own}'"));
    assert!(grace.get(&format!("/projects/{own}/chat")).expect(200).text("main").contains("has none"));
}

#[test]
fn conversations_are_listed_by_their_last_message() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let chat = format!("/projects/{project}/chat");
    assert!(owner.get(&chat).expect(200).text(".empty").contains("No conversations yet"));

    console.message(&container, "old", 0, "user", "# Add **search**\n\nplease");
    console.message(&container, "new", 10, "system", "You are a builder");
    console.message(&container, "new", 20, "user", "Cache it");
    console.message(&container, "old", 30, "assistant", "Done");
    console.message(&container, "", 5, "narrator", "nobody said where this belongs");
    let page = owner.get(&chat).expect(200);
    assert_eq!(page.attributes("[data-conversation]", "data-conversation"), ["old", "new", ""]);
    assert_eq!(
        page.texts(".name"),
        ["Add search please", "Cache it", "nobody said where this belongs no conversation"]
    );
    let rows = page.texts("[data-conversation]");
    assert!(rows[0].contains("2 messages") && rows[0].contains("The owner, Assistant"), "{rows:?}");
    assert!(rows[2].contains("1 message ") && rows[2].contains("narrator"), "{rows:?}");
    // The one without a name can be opened like the others.
    let address = page.attributes(".name a", "href").pop().unwrap();
    assert!(owner.get(&address).expect(200).text(".message").contains("where this belongs"));
    owner.get(&format!("{chat}?session=none")).expect(404);
    owner.get(&format!("{chat}?session=%20")).expect(404);
}

#[test]
fn a_long_conversation_is_paged_without_gap_or_overlap() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    // Many at the same instant, some without a time, some at times that no calendar holds.
    console.sql(&format!(
        "INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
         SELECT '{container}', 's', 'user', 'm' || n, CASE WHEN n % 11 = 0 THEN NULL WHEN n = 7 THEN 'infinity' \
             WHEN n = 8 THEN '-infinity' WHEN n = 9 THEN '4000-01-01 BC' WHEN n = 10 THEN '200000-01-01' \
             ELSE timestamptz '2026-11-01' + (n / 5) * interval '1 second' END FROM generate_series(1, 130) n"
    ));
    let chat = format!("/projects/{project}/chat?session=s");
    for limit in [1, 7, 50, 100] {
        let (forth, last) =
            walk(&owner, &format!("{chat}&limit={limit}"), "next", "[data-message]", "data-message");
        let mut ids = forth.clone();
        ids.sort();
        ids.dedup();
        assert_eq!((forth.len(), ids.len()), (130, 130), "by {limit}");
        let (mut back, _) = walk(&owner, &last, "prev", "[data-message]", "data-message");
        back.reverse();
        assert_eq!(back, forth, "by {limit}");
    }
    // A permanent link opens the page that begins with the message.
    let (all, _) = walk(&owner, &chat, "next", "[data-message]", "data-message");
    for (n, has_previous) in [(0, false), (60, true), (129, true)] {
        let page = owner.get(&format!("/projects/{project}/chat?message={}", all[n])).expect(200);
        assert_eq!(page.attribute("[data-message]", "data-message"), all[n]);
        assert_eq!(page.attribute(".message", "id"), format!("m-{}", all[n]));
        assert_eq!(page.has("a[rel=prev]"), has_previous, "{n}");
    }
}

#[test]
fn many_conversations_are_paged_without_gap_or_overlap() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.sql(&format!(
        "INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
         SELECT '{container}', 's' || n % 40, 'user', 'm' || n, timestamptz '2026-11-01' + (n / 7) * interval '1 second' \
         FROM generate_series(1, 200) n"
    ));
    for limit in [1, 9, 50] {
        let start = format!("/projects/{project}/chat?limit={limit}");
        let (forth, last) = walk(&owner, &start, "next", "[data-conversation]", "data-conversation");
        let mut names = forth.clone();
        names.sort();
        names.dedup();
        assert_eq!((forth.len(), names.len()), (40, 40), "by {limit}");
        let (mut back, _) = walk(&owner, &last, "prev", "[data-conversation]", "data-conversation");
        back.reverse();
        assert_eq!(back, forth, "by {limit}");
    }
}

#[test]
fn positions_that_make_no_sense_are_refused() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.message(&container, "s", 0, "user", "hello");
    let nil = "00000000-0000-0000-0000-000000000000";
    for start in ["?", "?session=s&", "?q=hello&"] {
        for odd in [
            "before=x".to_owned(),
            format!("before={nil}"),
            format!("before={nil}."),
            format!("after={nil}.shop"),
            format!("before={nil}.99999999999999999999"),
            format!("before={nil}.-99999999999999999"),
            format!("before={nil}.1&after={nil}.1"),
            "limit=0".to_owned(),
            "limit=x".to_owned(),
        ] {
            owner.get(&format!("/projects/{project}/chat{start}{odd}")).expect(400);
        }
        owner.get(&format!("/projects/{project}/chat{start}before={nil}.1")).expect(200);
    }
    for odd in ["session=%00", "q=%00", "message=x", "session=%FF"] {
        let status = owner.get(&format!("/projects/{project}/chat?{odd}")).status;
        assert!([400, 404].contains(&status), "{odd}: {status}");
    }
}

#[test]
fn hostile_messages_are_only_text() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let hostile = "<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://evil.example/p.png) \
                   <img src=x onerror=alert(1)> <a href=x style=position:fixed>y</a> {{7*7}} \u{202e}txt";
    let id = console.message(&container, "<b>", 0, "<i>", hostile);
    console.sql(&format!(
        "UPDATE chat_messages SET metadata = '{{\"</pre>\": \"<script>\"}}', attachments = '[{{\"name\": \"<img src=x>\", \
         \"url\": \"javascript:alert(1)\", \"size\": 12400, \"type\": \"text/html\"}}, {{\"name\": \"ok.png\", \
         \"url\": \"https://files.example/ok.png\"}}, \"just a name\", 7]' WHERE id = '{id}'"
    ));
    for path in ["?session=%3Cb%3E", "?q=alert", ""] {
        let page = owner.get(&format!("/projects/{project}/chat{path}")).expect(200);
        assert!(!page.has("main :is(script, img, iframe, [onerror], [style])"), "{path}");
        for address in page.attributes("main a", "href") {
            assert!(address.starts_with('/') || address.starts_with("https://"), "{address}");
        }
        assert!(page.text("main").contains("{{7*7}}") || !path.contains("session"), "{}", page.body);
    }
    let page = owner.get(&format!("/projects/{project}/chat?session=%3Cb%3E")).expect(200);
    assert_eq!(page.texts(".attachments li").len(), 4);
    assert_eq!(page.attributes(".attachments a", "href"), ["https://files.example/ok.png"]);
    assert!(page.text(".attachments").contains("12.4 kB"));
    for rel in page.attributes(".message a[href^='https:']", "rel") {
        assert_eq!(rel, "nofollow noopener noreferrer");
    }
    let raw = owner.get(&format!("/projects/{project}/chat/{id}/raw")).expect(200);
    assert_eq!(raw.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(raw.body, hostile);
}

#[test]
fn a_huge_message_is_cut_and_can_be_read_raw() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let id = console.message(&container, "s", 0, "user", &"ä".repeat(500_000));
    console.message(&container, "s", 1, "assistant", "short");
    let page = owner.get(&format!("/projects/{project}/chat?session=s")).expect(200);
    assert!(page.body.len() < 200_000, "{}", page.body.len());
    let note = page.text(".cut");
    assert!(note.contains("first 20,000 characters") && note.contains("1,000,000 bytes"), "{note}");
    assert_eq!(page.select(".cut").len(), 1, "a short message is whole");
    let raw = owner.get(&page.attribute(".cut a", "href")).expect(200);
    assert_eq!(raw.body.chars().count(), 500_000);
    assert_eq!(page.attribute("[data-message]", "data-message"), id);
    // It is read in pieces.
    let long = "äbc ".repeat(700_000);
    let id = console.message(&container, "s", 2, "user", &long);
    assert!(owner.get(&format!("/projects/{project}/chat/{id}/raw")).expect(200).body == long);
}

#[test]
fn an_answer_tells_what_it_cost_and_what_it_led_to() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let answer = console.message(&container, "s", 0, "assistant", "Done.");
    let action = console.action(&project, "github_push", 1_763_680_000_000, "{}");
    console.sql(&format!(
        "UPDATE turbobackend.project_actions SET request_id = 'req_1' WHERE action_id = '{action}'; \
         INSERT INTO turbobackend.message_cost_tracker (cost_id, project_id, request_id, message_id, model, \
             input_tokens, output_tokens, cost_usd) \
         VALUES ('c1', '{project}', 'req_1', '{answer}', 'builder-large', 12345, 678, 0.047205)"
    ));
    let page = owner.get(&format!("/projects/{project}/chat?session=s")).expect(200);
    let foot = page.text(".message footer");
    for part in ["builder-large", "12,345 tokens in", "678 out", "$0.047205", "Details of github_push"] {
        assert!(foot.contains(part), "{part}: {foot}");
    }
    assert_eq!(page.attribute(".led-to", "href"), format!("/activity/{action}"));
    owner.get(&page.attribute(".led-to", "href")).expect(200);

    // And back: what an action says led to it is a message with a place.
    console.action(
        &project,
        "github_push",
        1_763_680_000_001,
        &format!("{{\"chat_message_id\": \"{answer}\"}}"),
    );
    for time in ["'infinity'", "NULL", "now()"] {
        console.sql(&format!("UPDATE chat_messages SET created_at = {time}"));
        let page = owner.get(&format!("/references/chat_message_id/{answer}")).expect(200);
        let links = page.attributes("main a", "href");
        let place = format!("/projects/{project}/chat?message={answer}#m-{answer}");
        assert!(links.contains(&place), "{links:?}");
    }
    let stranger = console.owner();
    stranger.get(&format!("/references/chat_message_id/{answer}")).expect(404);
}

#[test]
fn words_are_found_in_messages_and_lead_to_them() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let chat = format!("/projects/{project}/chat");
    let hit = console.message(&container, "a", 0, "user", "Add a Dark theme, 100% dark");
    console.message(&container, "b", 5, "assistant", "Something else");
    let page = owner.get(&format!("{chat}?q=dark%20THEME")).expect(200);
    assert_eq!(page.attributes("[data-message]", "data-message"), std::slice::from_ref(&hit));
    assert_eq!(page.text("mark"), "Dark theme");
    let address = page.attribute("[data-message] a", "href");
    assert!(address.ends_with(&format!("#m-{hit}")), "{address}");
    owner.get(address.split('#').next().unwrap()).expect(200);
    // What means something to a pattern is only a character.
    assert_eq!(owner.get(&format!("{chat}?q=0%25%20d")).expect(200).select("[data-message]").len(), 1);
    assert_eq!(owner.get(&format!("{chat}?q=%25x")).expect(200).select("[data-message]").len(), 0);
    assert!(owner.get(&format!("{chat}?q=nothing")).expect(200).text(".empty").contains("“nothing”"));

    // One look goes through 2,000 messages; the next goes on.
    console.sql(&format!(
        "INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
         SELECT '{container}', 'c', 'user', 'noise', timestamptz '2026-11-02' + n * interval '1 second' \
         FROM generate_series(1, 2500) n"
    ));
    let page = owner.get(&format!("{chat}?q=dark")).expect(200);
    assert!(!page.has("[data-message]"));
    let (found, _) = walk(&owner, &format!("{chat}?q=dark"), "next", "[data-message]", "data-message");
    assert_eq!(found, [hit]);
}

#[test]
fn chat_stays_readable_when_a_project_is_archived_or_deleted() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.message(&container, "s", 0, "user", "hello");
    for status in ["archived", "deleted"] {
        console.sql(&format!("UPDATE projects SET status = '{status}' WHERE id = '{project}'"));
        for path in ["", "?session=s", "?q=hello"] {
            let page = owner.get(&format!("/projects/{project}/chat{path}")).expect(200);
            assert!(page.text("main").contains("hello") && page.text(".alert").contains(status), "{path}");
        }
    }
}

#[test]
fn a_long_conversation_says_which_messages_these_are_and_leads_to_both_ends() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    for n in 0..12 {
        console.message(&container, "s1", n, "user", &format!("message {n}"));
    }
    let first = format!("/projects/{project}/chat?session=s1&limit=5");
    let shown = |page: &Answer| (page.text(".pager > span"), page.texts("[data-message] p").len());
    let link = |page: &Answer, words: &str| {
        let found =
            page.select(".pager a").into_iter().find(|a| a.text().collect::<String>().starts_with(words));
        found.map(|a| a.attr("href").unwrap().to_owned())
    };
    let page = owner.get(&first).expect(200);
    assert_eq!(shown(&page), ("1–5 of 12 messages".to_owned(), 5));
    assert_eq!(link(&page, "First"), None);
    let page = owner.get(&link(&page, "Next").unwrap()).expect(200);
    assert_eq!(shown(&page).0, "6–10 of 12 messages");
    let last = owner.get(&link(&page, "Last").unwrap()).expect(200);
    assert_eq!(shown(&last), ("8–12 of 12 messages".to_owned(), 5));
    assert!(last.text("main").contains("message 11") && link(&last, "Last").is_none());
    let page = owner.get(&link(&last, "First").unwrap()).expect(200);
    assert_eq!(shown(&page).0, "1–5 of 12 messages");
    assert_eq!(shown(&owner.get(&first.replace("limit=5", "limit=100")).expect(200)).0, "12 messages");
    // A link to one message begins with it.
    let eighth = console.text("SELECT id FROM chat_messages WHERE content = 'message 7'");
    let page = owner.get(&format!("/projects/{project}/chat?message={eighth}&limit=2")).expect(200);
    assert_eq!(shown(&page).0, "8–9 of 12 messages");
}

#[test]
fn hits_say_whose_words_they_are_in_which_conversation_without_markdown() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.message(&container, "s1", 0, "system", "You are a builder");
    console.message(&container, "s1", 1, "user", "# Add a **search** field");
    console.message(
        &container,
        "s1",
        2,
        "assistant",
        "It is in [`src/search.ts`](https://shop.example/x), **done**",
    );
    let page = owner.get(&format!("/projects/{project}/chat?q=search")).expect(200);
    assert_eq!(page.texts(".hits a"), ["Add a search field", "Add a search field"]);
    let said = page.texts(".hits .quiet");
    assert!(said[0].starts_with("Assistant, ") && said[1].starts_with("The owner, "), "{said:?}");
    assert_eq!(page.texts(".hits p"), ["It is in src/search.ts, done", "Add a search field"]);
    assert_eq!(page.texts(".hits mark"), ["search", "search"]);
    // What stands in the markup alone is found, and told by the words around it.
    let page = owner.get(&format!("/projects/{project}/chat?q=shop.example")).expect(200);
    assert_eq!(page.texts(".hits p"), ["It is in src/search.ts, done"]);
}
