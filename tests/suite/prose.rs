//! Markdown of other people becomes nothing but what the template of prose may write.

use std::collections::BTreeSet;

use askama::Template;
use pilothouse::web::prose::{Element, Piece, Prose};
use scraper::{Html, Node};

use crate::samples::HOSTILE;

/// The level of the heading that a text stands under.
const ABOVE: i32 = 3;
/// Parts that a text has at most.
const MOST_PIECES: usize = 12_000;

#[derive(Template)]
#[template(
    source = "{% import \"components/prose.html\" as prose %}{{ prose::pieces(body.pieces) }}",
    ext = "html"
)]
struct Page {
    body: Prose,
}

fn html(markdown: &str) -> String {
    Page { body: Prose::new(markdown) }.render().unwrap().trim().to_owned()
}

/// What a text becomes, without the box around it.
fn inside(markdown: &str) -> String {
    let html = html(markdown);
    html.strip_prefix("<div class=\"prose\">").unwrap().strip_suffix("</div>").unwrap().to_owned()
}

/// Elements and the attributes that each may have.
const ALLOWED: [(&str, &[&str]); 22] = [
    ("div", &["class", "tabindex"]),
    ("p", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("blockquote", &[]),
    ("ul", &[]),
    ("ol", &["start"]),
    ("li", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope"]),
    ("td", &[]),
    ("em", &[]),
    ("strong", &[]),
    ("s", &[]),
    ("a", &["href", "rel"]),
    ("code", &[]),
    ("pre", &["class", "tabindex", "data-language"]),
    ("br", &[]),
    ("hr", &[]),
];

/// Fails unless `markdown` becomes nothing but what is allowed, balanced, with safe links and headings in order.
#[track_caller]
fn check(markdown: &str) -> String {
    let html = html(markdown);
    let shown: String = markdown.chars().take(200).collect();
    let page = Html::parse_fragment(&html);
    assert!(page.errors.is_empty(), "{:?} in {shown:?}\n{html}", page.errors);
    let mut heading = ABOVE;
    let around = page.root_element();
    assert_eq!(around.child_elements().count(), 1, "something left its box: {shown:?}");
    let prose = around.child_elements().next().unwrap();
    assert_eq!(prose.attr("class"), Some("prose"), "{shown:?}");
    for node in prose.descendants() {
        let depth = node.ancestors().count();
        assert!(depth < 60, "{depth} deep: {shown:?}");
        let Node::Element(element) = node.value() else {
            assert!(matches!(node.value(), Node::Text(_)), "{:?} in {shown:?}", node.value());
            continue;
        };
        let allowed = ALLOWED.iter().find(|(name, _)| *name == element.name());
        let (_, attributes) = allowed.unwrap_or_else(|| panic!("<{}> from {shown:?}", element.name()));
        for (name, value) in element.attrs() {
            assert!(attributes.contains(&name), "{}[{name}] from {shown:?}", element.name());
            if name == "href" {
                let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| value.starts_with(scheme));
                assert!(safe, "{value:?} from {shown:?}");
            }
        }
        if element.name() == "a" {
            assert_eq!(element.attr("rel"), Some("nofollow noopener noreferrer"), "{shown:?}");
        }
        if let Some(level) = element.name().strip_prefix('h').and_then(|level| level.parse::<i32>().ok()) {
            assert!(level <= heading + 1 && level > ABOVE, "h{level} after h{heading}: {shown:?}");
            heading = level;
        }
        if ["h4", "h5", "h6", "a", "th"].contains(&element.name()) {
            let text: String = scraper::ElementRef::wrap(node).unwrap().text().collect();
            assert!(!text.trim().is_empty(), "an empty {} from {shown:?}", element.name());
        }
    }
    html
}

#[test]
fn common_markdown_becomes_its_elements() {
    for (markdown, expected) in [
        ("Hello", "<p>Hello</p>"),
        ("a\nb", "<p>a<br>b</p>"),
        ("**b** *i* ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", "<ol start=\"3\"><li>a</li><li>b</li></ol>"),
        ("> q", "<blockquote><p>q</p></blockquote>"),
        ("---", "<hr>"),
        (
            "```rust ignore\nfn x() {}\n```",
            "<pre class=\"code\" tabindex=\"0\" data-language=\"rust\"><code>fn x() {}\n</code></pre>",
        ),
        ("    indented", "<pre class=\"code\" tabindex=\"0\"><code>indented</code></pre>"),
        (
            "[shop](https://shop.example/?a=1&b=2)",
            "<p><a href=\"https://shop.example/?a=1&#38;b=2\" rel=\"nofollow noopener noreferrer\">shop</a></p>",
        ),
        ("# A\n## B\n# C", "<h4>A</h4><h5>B</h5><h4>C</h4>"),
        ("### A\n# B", "<h4>A</h4><h4>B</h4>"),
        (
            "| a | |\n|---|---|\n| 1 |",
            "<div class=\"wide-box\" tabindex=\"0\"><table><tr><th scope=\"col\">a</th><td></td></tr>\
             <tr><td>1</td><td></td></tr></table></div>",
        ),
    ] {
        assert_eq!(inside(markdown), expected, "{markdown:?}");
        check(markdown);
    }
}

#[test]
fn footnotes_stand_where_they_were_written() {
    for (markdown, expected) in [
        ("a[^1]\n\n[^1]: The *note*.", "<p>a[1]</p><p>[1] The <em>note</em>.</p>"),
        ("a[^n]\n\n[^n]: - x", "<p>a[n]</p><p><code>[n]</code></p><ul><li>x</li></ul>"),
        ("[^1]: nobody asked", "<p>[1] nobody asked</p>"),
        ("[^1]: one\n[^1]: two\n\n[^1]", "<p>[1] one</p><p>[1] two</p><p>[1]</p>"),
        ("[^1]:\n\na[^1]", "<p><code>[1]</code></p><p>a[1]</p>"),
        ("a[^x]", "<p>a[^x]</p>"),
    ] {
        assert_eq!(inside(markdown), expected, "{markdown:?}");
        check(markdown);
    }
}

#[test]
fn what_no_link_and_no_column_shows_is_shown_as_it_is() {
    let link = |words: &str| {
        format!("<a href=\"https://a.example/\" rel=\"nofollow noopener noreferrer\">{words}</a>")
    };
    for (markdown, expected) in [
        ("[todo]: later", "<p><code>[todo]: later</code></p>".to_owned()),
        (
            "[a]: x 'T'\n[b]: y\n\nz",
            "<p><code>[a]: x &#39;T&#39;</code><br><code>[b]: y</code></p><p>z</p>".to_owned(),
        ),
        ("see [a]\n\n[a]: https://a.example", format!("<p>see {}</p>", link("a"))),
        ("[A]: https://a.example\n[a]: z\n\n[a]", format!("<p><code>[a]: z</code></p><p>{}</p>", link("a"))),
        (
            "- i\n\n  [c]: q\n- j",
            "<ul><li><p>i</p></li><li><p><code>[c]: q</code></p><p>j</p></li></ul>".to_owned(),
        ),
        ("- [x]: y\n\nz", "<ul><li></li></ul><p><code>[x]: y</code></p><p>z</p>".to_owned()),
        ("> [q]: r", "<blockquote></blockquote><p><code>[q]: r</code></p>".to_owned()),
        ("z\n\n[a]:\n  https://a.example", "<p>z</p><p><code>[a]: https://a.example</code></p>".to_owned()),
    ] {
        assert_eq!(inside(markdown), expected, "{markdown:?}");
        check(markdown);
    }
    let table = inside("| a |\n|---|\n| 1 | 2 | 3 \\| 4 |\n| 5 |");
    assert!(table.contains("<tr><td>1</td><td>2 | 3 | 4</td></tr><tr><td>5</td></tr>"), "{table}");
}

/// Marks aside, each word of a text is found in what becomes of it, in whatever construct it stands.
#[test]
fn no_word_is_lost() {
    const SHAPES: [&str; 24] = [
        "W",
        "# W",
        "> W",
        "- W",
        "1. W",
        "- [ ] W",
        "- [x] W",
        "`W`",
        "```\nW\n```",
        "    W",
        "*W*",
        "~~W~~",
        "[W](x)",
        "![W](x)",
        "<W>",
        "<!-- W -->",
        "[^1]: W",
        "[W]: x",
        "[x]: W",
        "| W |\n|---|\n| W | W |",
        "$W$",
        "W\n: W",
        "==W==",
        "---\nW\n---",
    ];
    for outer in ["", "> ", "- ", "> - ", "1. "] {
        for before in SHAPES {
            for after in SHAPES {
                let word = |n: usize, shape: &str| shape.replace('W', &format!("word{n}"));
                let (before, after) = (word(1, before), word(2, after));
                let indent = outer.replace(['-', '1', '.'], " ");
                let text = format!(
                    "{outer}{}\n{indent}\n{indent}{}",
                    before.replace('\n', &format!("\n{indent}")),
                    after.replace('\n', &format!("\n{indent}"))
                );
                let shown = check(&text);
                for word in ["word1", "word2"] {
                    assert!(shown.contains(word), "{word} of {text:?} is not in {shown}");
                }
            }
        }
    }
}

#[test]
fn html_is_text() {
    for markdown in [
        "<script>alert(1)</script>",
        "a <b onclick=x>b</b>",
        "<svg/onload=alert(1)>",
        "</div></main><h1>Mine</h1>",
        "<!-- comment -->",
        "<![CDATA[x]]>",
        "<?php x ?>",
        "<a href=x style=position:fixed>x</a>",
        "<img src=x onerror=alert(1)>",
        "&lt;script&gt;",
        HOSTILE,
    ] {
        let html = check(markdown);
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<svg"), "{html}");
    }
    assert_eq!(inside("<b>x</b>"), "<p>&#60;b&#62;x&#60;/b&#62;</p>");
    assert_eq!(inside("<div>\n<p>\n"), "<p>&#60;div&#62;<br>&#60;p&#62;</p>");
}

#[test]
fn links_that_are_not_safe_are_only_words() {
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/projects/x/delete",
        "#m-1",
        "https:evil",
        "ftp://x",
        "blob:https://x",
    ] {
        let html = check(&format!("[word]({address}) and [word]: x\n\n[word]: {address}"));
        assert!(!html.contains("<a ") || html.contains("href=\"https://evil"), "{address}: {html}");
    }
    assert_eq!(
        inside("[](https://a.example)"),
        inside("<https://a.example>").replace("a.example<", "a.example/<")
    );
}

#[test]
fn images_are_never_fetched() {
    assert_eq!(
        inside("![a cat](https://img.example/cat.png)"),
        "<p>Image: <a href=\"https://img.example/cat.png\" rel=\"nofollow noopener noreferrer\">a cat</a></p>"
    );
    assert_eq!(inside("![a cat](//img.example/cat.png)"), "<p>Image: a cat</p>");
    assert_eq!(inside("![a](data:image/png;base64,xx)"), "<p>Image: a</p>");
    // A link stays one link.
    let html = check("[![badge](https://ci.example/b.svg)](https://ci.example)");
    assert_eq!(html.matches("<a ").count(), 1);
    check("![a [b](https://b.example) c](https://c.example)");
    check("![](https://c.example)");
}

#[test]
fn addresses_in_a_text_are_links_too() {
    for (markdown, linked) in [
        ("see https://a.example/x.", vec!["https://a.example/x"]),
        ("(http://a.example)", vec!["http://a.example/"]),
        ("https://a.example https://b.example", vec!["https://a.example/", "https://b.example/"]),
        ("`https://a.example`", vec![]),
        ("xhttps://a.example", vec![]),
        ("https://", vec![]),
        ("[https://a.example](https://b.example)", vec!["https://b.example/"]),
        ("äöühttps://ä.example 🦀https://🦀", vec!["https://xn--zs9h/"]),
    ] {
        let html = check(markdown);
        let found: Vec<&str> =
            html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(found, linked, "{markdown}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    for bomb in [
        "> ".repeat(9_000),
        "- ".repeat(9_000) + "x",
        "1. ".repeat(6_000) + "x",
        "*a _b ".repeat(4_000),
        "[".repeat(20_000),
        "![".repeat(10_000),
        "[a](".repeat(5_000),
        "`".repeat(20_000),
        "<".repeat(20_000),
        "***".repeat(6_000) + "x" + "***".repeat(6_000).as_str(),
        "~~".repeat(10_000),
        format!("|{}\n|{}\n{}", "a|".repeat(2_000), "-|".repeat(2_000), "|\n".repeat(4_000)),
        "# ".repeat(9_000),
        "https://a.example ".repeat(1_200),
        "&".repeat(20_000),
        "\u{202e}".repeat(5_000),
    ] {
        let prose = Prose::new(&bomb);
        assert!(prose.pieces.len() <= 3 * MOST_PIECES, "{}", prose.pieces.len());
        check(&bomb);
    }
    assert!(Prose::new(&"a\n\n".repeat(MOST_PIECES)).is_cut);
    assert!(!Prose::new("a").is_cut);
}

#[test]
fn what_is_opened_is_closed_in_order() {
    // Thousands of texts that chance puts together out of marks.
    const PARTS: [&str; 20] = [
        "> ",
        "- ",
        "1. ",
        "\n",
        "\n\n",
        "**",
        "*",
        "~~",
        "`",
        "```\n",
        "[",
        "](https://a.example)",
        "![",
        "<b>",
        "# ",
        "| a | b |\n|-|-|\n",
        "|",
        "    ",
        "x",
        "<!--",
    ];
    let mut seen = BTreeSet::new();
    let mut state = 7_u64;
    for n in 0..6_000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407 + n);
        let mut throw = state;
        let mut text = String::new();
        for _ in 0..(3 + state % 14) {
            throw = throw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(PARTS[usize::try_from(throw >> 33).unwrap() % PARTS.len()]);
        }
        if !seen.insert(text.clone()) {
            continue;
        }
        let mut open = Vec::new();
        for piece in Prose::new(&text).pieces {
            match piece {
                Piece::Open(element) => open.push(element),
                Piece::Close(element) => assert_eq!(open.pop(), Some(element), "{text:?}"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?} stays open in {text:?}");
        check(&text);
    }
    assert!(seen.len() > 5_000);
}

#[test]
fn words_are_what_is_left_without_marks() {
    assert_eq!(Prose::new("# Add\n\n**a** `b`\n- c <i>d</i>").words(), "Add a b c <i>d</i>");
    assert_eq!(Prose::new("").words(), "");
}
