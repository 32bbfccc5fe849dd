//! Kinds of input that no page of the console would send.

/// Ids and names in a path, as they go over the wire. None of them is anybody's.
pub fn segments() -> Vec<String> {
    let mut segments: Vec<String> = [
        "0",
        "-1",
        "00",
        "1.5",
        "1e3",
        "NaN",
        "0x10",
        "9223372036854775808",
        "abc",
        "null",
        "undefined",
        "true",
        "[object Object]",
        "%201",
        "1%20",
        "%09",
        "%0a",
        "%0d%0a",
        "%00",
        "1%00",
        "%01",
        "%7f",
        "%D9%A1%D9%A2%D9%A3",
        "%EF%BC%90x10",
        "%ff",
        "%FF%FE",
        "%c0%af",
        "%ed%a0%80",
        "%zz",
        "%",
        "%2",
        "%25",
        "%252e",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f",
        "..%5c..%5cwindows",
        "%2F",
        "a%2Fb",
        "x%2fexec",
        "x%3Fsignal=9",
        "%23",
        ";x=1",
        "'",
        "%27%20OR%201=1--",
        "%22",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "$%7Bjndi:ldap:x%7D",
        "%7B%7B7*7%7D%7D",
        "*",
        "%25%25",
        "_",
        "ab",
        "e%CC%81",
        "%C3%A9",
        "%E2%80%AEgnp.exe",
        "%EF%BB%BF",
        "%F0%9F%9A%A2",
        "%E2%80%8B",
        "con",
        "aux.txt",
        "~root",
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-4000-8000-00000000000g",
        "{00000000-0000-4000-8000-000000000000}",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "00000000000040008000000000000000",
        "00000000-0000-4000-8000-000000000000%20",
    ]
    .map(str::to_owned)
    .into();
    segments.push("a".repeat(8_000));
    segments.push("%41".repeat(2_000));
    segments.push("%F0%9F%9A%A2".repeat(700));
    segments
}

/// Escapes that stand for no text: an address or a form that holds one is refused as a whole.
pub const UNDECODABLE: [&str; 10] =
    ["%zz", "%", "%f", "a%", "%ff", "%c0%af", "%ed%a0%80", "%00", "a%00b", "%f5%80%80%80"];

/// Values of a query's parameter or a form's field: texts, once decoded.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "0",
        "-1",
        "-0",
        "+5",
        "007",
        "1.5",
        "1,5",
        "1e3",
        "1e400",
        "NaN",
        "Infinity",
        "0x10",
        "0b1",
        "1_000",
        "2147483648",
        "-2147483649",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999999999999999999",
        "٣",
        "１２",
        "Ⅷ",
        "½",
        "true",
        "false",
        "null",
        "undefined",
        "[]",
        "{}",
        "[1]",
        "{\"a\":1}",
        "[object Object]",
        "None",
        " ",
        "  x  ",
        "\t",
        "\n",
        "a\r\nSet-Cookie: x=1",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "\u{feff}x",
        "\u{202e}gnp.exe",
        "\u{2066}x",
        "\u{200b}",
        "e\u{301}",
        "é",
        "ﬁ",
        "ı",
        "İ",
        "ß",
        "ẞ",
        "🚢",
        "👨‍👩‍👧",
        "\u{10ffff}",
        "\u{fffd}",
        "名前",
        "'",
        "\"",
        "`",
        "\\",
        "\\'",
        "''",
        "'--",
        "';drop table users;--",
        "\" OR \"\"=\"",
        "%",
        "_",
        "%%",
        "a_b%",
        "\\%",
        "*",
        "?",
        "(a+)+$",
        "[a-",
        "a & !",
        "a | b:*",
        "<->",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "</title><script>",
        "<!--",
        "'-alert(1)-'",
        "javascript:alert(1)",
        "{{7*7}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "&& id",
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\windows",
        "file:///etc/passwd",
        "//evil.example",
        "http://127.0.0.1/",
        "=HYPERLINK(\"http://x\")",
        "@SUM(1)",
        "a:b",
        ":",
        "a:",
        ":b",
        "commit_sha:x",
        "x:y:z",
        "garbage",
        "1.a.x",
        "1.a.",
        "1.z.x",
        "-",
        "--",
        "-x",
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000.x",
        "AAAA",
        "eyJhIjoxfQ==",
        "id;drop",
        "password_hash",
        "name desc",
        "created_at",
        "name",
        "-created_at",
        "0000-00-00",
        "0000-01-01",
        "0001-01-01",
        "1970-01-01",
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
        "9999-12-31",
        "10000-01-01",
        "-271821-04-20",
        "2026-03-29T02:30",
        "2026-11-20T12:00:00Z",
        "2026-11-20T25:00:00Z",
        "20.11.2026",
        "now",
        "tomorrow",
        "Europe/Berlin",
        "admin",
        "root",
        "deleted",
        "owner",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(5_000));
    values.push("🚢".repeat(500));
    values.push("a\u{301}".repeat(1_000));
    values
}

/// What is wrong with a body, the type that it claims, more headers, and the bytes.
pub type Body = (&'static str, Option<&'static str>, Vec<(&'static str, &'static str)>, Vec<u8>);

/// Bodies that are no form of the console, with the type that they claim. Each holds what `valid` holds, in a
/// way that a lenient reader would take.
pub fn bodies(valid: &str) -> Vec<Body> {
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
    let json = format!(
        "{{{}}}",
        valid
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect::<Vec<_>>()
            .join(",")
    );
    let utf16: Vec<u8> = valid.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let many = (0..2_000).map(|n| format!("p{n}=1&")).collect::<Vec<_>>().concat();
    let first = valid.split('&').next().unwrap_or_default();
    let twice = format!("{valid}&{first}x");
    let name = first.split('=').next().unwrap_or_default();
    let arrays = valid.replace('=', "[]=");
    let nested = valid.replace('=', "[a][b]=");
    let parts = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nv\r\n--x--\r\n");
    let many_parts = "--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n".repeat(1_001) + "--x--\r\n";
    // The beginning of a packed stream that would become a gigabyte.
    let bomb: Vec<u8> =
        [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xec, 0xc1, 1, 1][..], &[0; 4_000][..]].concat();
    let packed = || vec![("content-encoding", "gzip")];
    vec![
        ("the same field twice", FORM, vec![], twice.into()),
        ("arrays", FORM, vec![], arrays.into()),
        ("nested fields", FORM, vec![], nested.into()),
        ("fields in capitals", FORM, vec![], valid.to_uppercase().into()),
        ("nothing", FORM, vec![], vec![]),
        ("only separators", FORM, vec![], b"&&&=&=&".to_vec()),
        ("2,000 other fields", FORM, vec![], many.into()),
        ("invalid UTF-8", FORM, vec![], [valid.as_bytes(), b"&x=\xff\xfe"].concat()),
        ("a raw NUL", FORM, vec![], [valid.as_bytes(), b"&x=\0"].concat()),
        ("a broken escape", FORM, vec![], format!("{valid}&x=%zz").into()),
        ("UTF-16", FORM, vec![], utf16.clone()),
        ("UTF-16 that says so", Some("application/x-www-form-urlencoded; charset=utf-16"), vec![], utf16),
        ("a byte order mark", FORM, vec![], [b"\xef\xbb\xbf", valid.as_bytes()].concat()),
        ("a packed body", FORM, packed(), bomb.clone()),
        ("a body that is not packed as it says", FORM, packed(), valid.into()),
        ("an unknown coding", FORM, vec![("content-encoding", "zip, br")], valid.into()),
        ("JSON", Some("application/json"), vec![], json.clone().into()),
        ("JSON as a form", FORM, vec![], json.clone().into()),
        ("JSON with a field twice", Some("application/json"), vec![], format!("{json}{json}").into()),
        ("JSON after a byte order mark", Some("application/json"), vec![], format!("\u{feff}{json}").into()),
        ("deep JSON", Some("application/json"), vec![], "[".repeat(50_000).into()),
        ("parts", Some("multipart/form-data; boundary=x"), vec![], parts.into()),
        ("1,001 parts without a name", Some("multipart/form-data; boundary=x"), vec![], many_parts.into()),
        ("parts without a boundary", Some("multipart/form-data"), vec![], valid.into()),
        ("plain text", Some("text/plain"), vec![], valid.into()),
        (
            "XML",
            Some("application/xml"),
            vec![],
            b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>".to_vec(),
        ),
        ("a type that is none", Some("nonsense"), vec![], valid.into()),
        ("an empty type", Some(""), vec![], valid.into()),
        ("more than the limit", FORM, vec![], format!("{valid}&x={}", "x".repeat(300 * 1024)).into()),
    ]
}

/// Headers that nobody sends by accident.
pub fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let long = |n: usize| vec![b'x'; n];
    let mut headers: Vec<(&'static str, Vec<u8>)> = [
        ("range", "bytes=0-,0-,0-"),
        ("range", ""),
        ("range", "bytes=-1"),
        ("range", "bytes=18446744073709551616-"),
        ("range", "bytes=9-1"),
        ("if-none-match", "*"),
        ("if-none-match", "\"x\", W/\"y\", "),
        ("if-modified-since", "yesterday"),
        ("if-range", "\""),
        ("accept", "*/*;q=1e400, a"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip;q=nan, *;q=0, br;q=2"),
        ("accept-encoding", "identity;q=0, *;q=0"),
        ("accept-language", "x-klingon;q=-1"),
        ("accept-charset", "utf-7"),
        ("host", "evil.example"),
        ("host", "a b"),
        ("host", "[::1"),
        ("host", "x:99999999"),
        ("forwarded", "for=\"[::1]:99999\";by=_;"),
        ("x-forwarded-for", "1.2.3.4, , unknown, 999.1.1.1, ::ffff:127.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "javascript"),
        ("x-real-ip", "not an address"),
        ("x-original-url", "/users"),
        ("x-rewrite-url", "/users"),
        ("x-http-method-override", "DELETE"),
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer "),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
        ("authorization", "Bearer null"),
        ("authorization", "bearer\t00000000-0000-4000-8000-000000000000"),
        ("origin", "null"),
        ("origin", "http://"),
        ("referer", "http://[evil"),
        ("sec-fetch-site", "cross-site"),
        ("content-length", "0"),
        ("expect", "200-maybe"),
        ("te", "trailers, gzip"),
        ("upgrade", "h2c"),
        ("connection", "upgrade, close, host, cookie"),
        ("cookie", "=; ;;; __Host-pilothouse-flash; a=b=c; \"=\""),
        ("cookie", "__Host-pilothouse-flash=%00%ff; pilothouse-flash=x"),
        ("user-agent", ""),
        ("user-agent", "() { :;}; echo x"),
        ("user-agent", "Mozilla/5.0 (((((((((((((((("),
        ("traceparent", "00-zz-zz-zz"),
    ]
    .map(|(name, value)| (name, value.as_bytes().to_vec()))
    .into();
    headers.push(("user-agent", b"\xff\xfe\x80 \xe2\x80\xae".to_vec()));
    headers.push(("user-agent", long(20_000)));
    headers.push(("range", b"bytes=".iter().copied().chain(b"0-,".repeat(1_000)).collect()));
    headers.push(("authorization", [b"Bearer ".to_vec(), long(64_000)].concat()));
    headers.push(("accept-language", long(30_000)));
    headers.push(("cookie", [b"__Host-pilothouse-flash=".to_vec(), long(4_097)].concat()));
    headers.push(("cookie", b"\xff=\xfe; x=\x80".to_vec()));
    headers.push(("referer", b"http://x/\xff".to_vec()));
    headers
}
