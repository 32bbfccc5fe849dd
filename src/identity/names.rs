/// What a person is called: the name, else the address.
#[must_use]
pub fn display_name<'a>(name: Option<&'a str>, email: &'a str) -> &'a str {
    name.filter(|name| !name.trim().is_empty()).unwrap_or(email)
}

/// Characters that turn text around or hide in it: refused in names, isolated elsewhere.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}')
}
