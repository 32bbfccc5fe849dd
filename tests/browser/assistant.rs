//! A visitor's way from somebody's link over a conversation and a draft to a project.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::axe;
use crate::browser::{Browser, Habits, MOMENT, TRIES, browse};
use crate::support::console::{Console, PASSWORD};

const SENTENCE: &str =
    "I need an online shop for small bakeries with login and payments, budget 5k-10k €, in 3 months";

async fn say(browser: &Browser, text: &str) {
    browser.fill("#text", text).await;
    browser.follow(".ask .form-actions .button-primary").await;
}

/// From the link of somebody to a draft that is posted. Answers the draft's page.
async fn to_a_posted_draft(browser: &Browser, email: &str) -> String {
    browser.open("/start?ref=ada&source=mail").await;
    let notice = browser.text("#notice").await;
    assert!(notice.contains("deleted after 90") && notice.contains("go to nobody else"), "{notice}");
    say(browser, SENTENCE).await;
    assert_eq!(browser.find("[data-score]").await.attr("data-score").await.unwrap().unwrap(), "75");
    assert!(browser.text("#draft-title ~ h3").await.contains("Online shop for small bakeries"));
    assert!(browser.text("label[for=text]").await.contains("What should people be able to do"));
    say(browser, "They can search it, and write reviews").await;
    assert!(browser.text("[data-slot=features] .value").await.contains("Reviews"));
    browser.follow(".ask button[form=skip]").await;

    browser.follow("aside a[href='/start/claim']").await;
    browser.follow("button[value=sign-in]").await;
    browser.fill("#email", email).await;
    browser.fill("#password", PASSWORD).await;
    browser.follow("button[type=submit]").await;
    assert_eq!(browser.path().await, "/start/claim");
    assert!(browser.text("main").await.contains("Online shop for small bakeries"));
    let ticked = browser.find("input[name=claim]").await.is_selected().await.unwrap();
    assert!(!ticked, "whose it is, is for a person to say");
    browser.click("input[name=claim]").await;
    browser.follow("main form .button-primary").await;
    assert!(browser.text("main [role=status]").await.contains("yours now"));

    browser.follow("#draft-title ~ h3 a").await;
    let draft = browser.path().await;
    assert!(draft.starts_with("/drafts/"), "{draft}");
    browser.click("input[name=consent]").await;
    browser.follow("form[action$='/post'] button").await;
    assert!(browser.text("main [role=status]").await.contains("posted"));
    draft
}

#[test]
fn a_visitor_gets_from_a_link_to_a_project_whose_thread_begins_with_the_first_message() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    browse(&console.base, Habits { without_scripts: true }, async |browser| {
        let draft = to_a_posted_draft(&browser, &email).await;
        browser.follow("form[action$='/project'] button").await;
        assert!(browser.text("main [role=status]").await.contains("without a container"));
        assert_eq!(browser.text("h1").await, "Online shop for small bakeries");
        let project = browser.path().await;

        browser.open(&draft).await;
        assert_eq!(browser.find(".page-actions a").await.attr("href").await.unwrap().unwrap(), project);
        browser.open(&format!("{project}/activity")).await;
        browser.follow("ol.timeline a[href^='/threads/']").await;
        let mut steps = Vec::new();
        for step in browser.driver.find_all(By::Css("ol.timeline > li")).await.unwrap() {
            steps.push(step.text().await.unwrap());
        }
        let told = [
            "began to describe",
            "described enough for a draft of",
            "claimed the conversation about",
            "posted the draft of",
            "created",
        ];
        assert_eq!(steps.len(), told.len(), "{steps:?}");
        for (step, words) in steps.iter().zip(told) {
            assert!(step.contains(words), "{words}: {steps:?}");
        }
        assert!(steps[0].contains("mail:ada"), "{}", steps[0]);
    });
    let credited = "SELECT concat_ws(' ', developer_ref, attribution_chain, public_status) FROM job_drafts";
    assert_eq!(console.text(credited), "ada mail:ada in_progress");
}

/// What is wrong with the page on a telephone: what is broader than it, and what axe finds.
async fn flaws(browser: &Browser) -> Vec<String> {
    let broad = "const wide = document.documentElement.scrollWidth; return wide > innerWidth ? [`${wide} px wide`] : []";
    let mut flaws: Vec<String> = serde_json::from_value(browser.script(broad).await).unwrap();
    flaws.extend(axe::findings(browser).await);
    flaws
}

#[test]
fn on_a_telephone_the_conversation_goes_on_in_place_by_keys_and_each_question_is_said_once() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    let none: Vec<String> = Vec::new();
    browse(&console.base, Habits::default(), async |browser| {
        browser.look(360, "light").await;
        browser.open("/start").await;
        assert_eq!(browser.script("return document.activeElement.id").await, "text", "one can write at once");
        assert_eq!(flaws(&browser).await, none);
        // What screen readers are told, each time that it changes.
        let watch = "window.isTheSame = true; window.told = []; \
             new MutationObserver(() => window.told.push(document.getElementById('said').textContent)) \
                 .observe(document.getElementById('said'), { childList: true, characterData: true, subtree: true })";
        browser.script(watch).await;
        let says = async |words: &str| {
            for _ in 0..TRIES {
                let said = browser.script("return window.told.at(-1) ?? ''").await;
                if said.as_str().unwrap_or_default().contains(words) {
                    return;
                }
                tokio::time::sleep(MOMENT).await;
            }
            panic!("{words} is not said: {}", browser.script("return window.told").await);
        };
        let field = browser.find("#text").await;

        field.send_keys("I need an online shop for small bakeries, budget 5k-10k €").await.unwrap();
        browser.press(Key::Enter).await;
        says("What should people be able to do").await;
        let told = "const said = window.told; const question = document.querySelector('label[for=text]').textContent; \
                    return [said.length, said[0].split(question).length - 1, \
                            document.querySelector('[role=log]').textContent.includes(question), \
                            document.activeElement.id, document.activeElement.value, window.isTheSame]";
        assert_eq!(browser.script(told).await, json!([1, 1, false, "text", "", true]));
        assert_eq!(browser.count("#notice > *").await, 0);
        assert!(browser.text("#draft-title ~ h3").await.contains("Online shop"));
        assert_eq!(flaws(&browser).await, none);

        // Nothing is no answer, and says so beside the field.
        browser.press(Key::Enter).await;
        let alert = "return document.getElementById('text-error').textContent.includes('Write an answer')";
        for _ in 0..TRIES {
            if browser.script(alert).await == true {
                break;
            }
            tokio::time::sleep(MOMENT).await;
        }
        assert_eq!(browser.script(alert).await, true);
        assert_eq!(browser.script("return window.told.length").await, 1, "and no question is said again");

        // A button leads back to the field, whose name is the question: the reply alone is said beside it.
        field.send_keys("login, payments and search").await.unwrap();
        browser.press(Key::Tab).await;
        browser.press(Key::Enter).await;
        for _ in 0..TRIES {
            if browser.script("return window.told.length").await == 2 {
                break;
            }
            tokio::time::sleep(MOMENT).await;
        }
        let told = "const question = document.querySelector('label[for=text]').textContent; \
                    return [document.activeElement.id, window.told.at(-1).includes(question), window.isTheSame]";
        assert_eq!(browser.script(told).await, json!(["text", false, true]));

        // What is half written stays, whatever a button answers.
        field.send_keys("Half a thought").await.unwrap();
        browser.click(".ask button[form=skip]").await;
        for _ in 0..TRIES {
            if browser.script("return window.told.length").await == 3 {
                break;
            }
            tokio::time::sleep(MOMENT).await;
        }
        let kept = "return [window.told.length, document.getElementById('text').value]";
        assert_eq!(browser.script(kept).await, json!([3, "Half a thought"]));

        browser.follow("aside a[href='/start/claim']").await;
        assert_eq!(flaws(&browser).await, none);
        browser.follow("button[value=sign-in]").await;
        browser.fill("#email", &email).await;
        browser.fill("#password", PASSWORD).await;
        browser.follow("button[type=submit]").await;
        assert_eq!(flaws(&browser).await, none);
        browser.click("input[name=claim]").await;
        browser.follow("main form .button-primary").await;
        assert_eq!(flaws(&browser).await, none);
        browser.follow("#draft-title ~ h3 a").await;
        browser.find("input[name=consent]").await;
        assert_eq!(flaws(&browser).await, none);
    });
}
