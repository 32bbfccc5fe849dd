//! What the built-in assistant knows by name: kinds of projects, features and services, each with the phrases for it.

use super::text::Clause;

type Table = [(&'static str, &'static [&'static str])];

/// The kinds of projects; the more telling first.
pub const TYPES: &Table = &[
    ("Marketplace", &["marketplace", "market place", "platform where people sell", "ebay like", "airbnb like"]),
    (
        "Online shop",
        &[
            "online shop", "webshop", "web shop", "e-commerce", "ecommerce", "online store", "web store", "e-shop",
            "shopify store", "sell online", "sell things online", "shop",
        ],
    ),
    (
        "Booking system",
        &["booking system", "booking site", "booking app", "booking tool", "reservation system", "appointment system", "booking platform", "scheduling app", "scheduling tool"],
    ),
    (
        "Mobile app",
        &[
            "mobile app", "phone app", "iphone app", "android app", "ios app", "ios and android", "app for phones",
            "smartphone app", "native app", "mobile application", "app for ios", "app for android",
        ],
    ),
    ("Browser extension", &["browser extension", "chrome extension", "browser plugin", "firefox add-on"]),
    ("Chatbot", &["chatbot", "chat bot", "telegram bot", "slack bot", "discord bot", "virtual assistant", "bot"]),
    ("Dashboard", &["dashboard", "reporting tool", "analytics tool", "admin panel for"]),
    ("Learning platform", &["learning platform", "course platform", "e-learning", "online course", "lms"]),
    ("Community", &["community", "forum", "social network", "membership site"]),
    ("Customer portal", &["customer portal", "client portal", "self service portal", "intranet", "portal"]),
    ("CRM", &["crm", "customer management", "lead management"]),
    ("Game", &["game", "video game", "browser game"]),
    ("API", &["rest api", "graphql api", "backend api", "api", "backend", "microservice"]),
    ("Data pipeline", &["data pipeline", "etl", "scraper", "web scraper", "crawler", "data warehouse"]),
    ("Automation", &["automation", "workflow tool", "automate", "script"]),
    ("Desktop app", &["desktop app", "windows app", "mac app", "desktop application", "desktop tool"]),
    ("Blog", &["blog", "magazine", "news site"]),
    ("Landing page", &["landing page", "one-pager", "one pager"]),
    (
        "Web app",
        &["web app", "webapp", "web application", "saas", "web tool", "web platform", "web-based tool", "internal tool", "progressive web app", "pwa"],
    ),
    ("Website", &["website", "web site", "homepage", "home page", "site", "web page", "webpage", "portfolio", "web presence"]),
];

/// Words that say that it is software, and no more.
pub const LOOSE_TYPES: &Table =
    &[("App", &["app", "application"]), ("Software", &["software", "tool", "platform", "system", "program", "solution"])];

pub const FEATURES: &Table = &[
    ("Sign-in", &["login", "log in", "logins", "sign in", "sign-in", "signing in", "sign up", "sign-up", "registration", "user account", "account", "authentication", "register"]),
    ("Payments", &["payment", "pay online", "pay by card", "pay with", "online payment", "credit card", "checkout", "card payment", "pay", "invoice payment"]),
    ("Shopping cart", &["shopping cart", "cart", "basket"]),
    ("Subscriptions", &["subscription", "recurring payment", "membership", "monthly plan"]),
    ("Search", &["search", "full-text search", "searchable", "find products", "search function"]),
    ("Filters", &["filter", "sorting"]),
    ("Admin area", &["admin area", "admin panel", "admin page", "admin", "back office", "backoffice", "admin dashboard", "cms", "content management"]),
    ("Notifications", &["notification", "push notification", "alert", "e-mail alert", "reminder", "email reminder", "sms reminder"]),
    ("Chat", &["chat", "live chat", "messaging", "direct message", "messenger", "instant messaging"]),
    ("Bookings", &["booking", "book a table", "reservation", "appointment", "book appointments", "book online"]),
    ("Calendar", &["calendar", "scheduling", "schedule"]),
    ("File upload", &["file upload", "upload", "attachment", "upload photos", "upload files"]),
    ("Reports", &["report", "reporting", "statistics", "chart", "insight", "analytics"]),
    ("Maps", &["map", "geolocation", "location tracking", "store locator", "route planning", "gps"]),
    ("Reviews", &["review", "rating", "testimonial", "star rating"]),
    ("Comments", &["comment", "discussion"]),
    ("Profiles", &["profile", "user profile", "member profile"]),
    ("Roles and permissions", &["role", "permission", "access rights", "user management"]),
    ("Several languages", &["multi-language", "multilingual", "several languages", "multiple languages", "translation", "two languages", "localisation", "localization"]),
    ("Dark mode", &["dark mode", "dark theme"]),
    ("Offline use", &["offline", "works offline", "offline mode"]),
    ("Export", &["export", "csv", "excel export", "pdf export", "download as pdf"]),
    ("Import", &["import", "csv import", "excel import"]),
    ("Gallery", &["gallery", "photo gallery", "image gallery", "portfolio page"]),
    ("Videos", &["video", "streaming", "video call", "video streaming"]),
    ("Newsletter", &["newsletter", "mailing list", "email campaign"]),
    ("Contact form", &["contact form", "enquiry form", "inquiry form", "contact page"]),
    ("Blog", &["blog", "news section", "articles"]),
    ("Invoices", &["invoice", "invoicing", "billing"]),
    ("Inventory", &["inventory", "stock", "stock management", "warehouse"]),
    ("Order tracking", &["order tracking", "track orders", "tracking", "past orders", "order history", "delivery tracking"]),
    ("Orders", &["order online", "online order", "online ordering", "take orders", "order food"]),
    ("Discounts", &["discount", "coupon", "voucher", "gift card"]),
    ("Wish list", &["wish list", "wishlist", "favourites", "favorites", "bookmark"]),
    ("Quiz", &["quiz", "quizzes", "test questions", "exam"]),
    ("Certificates", &["certificate"]),
    ("Forms", &["survey", "questionnaire", "custom form", "signature", "e-signature"]),
    ("QR codes", &["qr code", "qr-code", "barcode"]),
    ("Recommendations", &["recommendation", "recommend", "personalisation", "personalization", "matching"]),
    ("Audit log", &["audit log", "history of changes", "activity log"]),
    ("Leaderboard", &["leaderboard", "high score", "ranking", "points", "badges"]),
    ("Social sharing", &["share button", "social sharing", "social media sharing", "share on"]),
];

pub const INTEGRATIONS: &Table = &[
    ("Stripe", &["stripe"]),
    ("PayPal", &["paypal", "pay pal"]),
    ("Klarna", &["klarna"]),
    ("Apple Pay", &["apple pay"]),
    ("Google Pay", &["google pay"]),
    ("Google Calendar", &["google calendar", "gcal"]),
    ("Google Maps", &["google maps"]),
    ("Google Analytics", &["google analytics"]),
    ("Google Sheets", &["google sheets", "google sheet"]),
    ("Google Drive", &["google drive"]),
    ("Google sign-in", &["google login", "google sign-in", "sign in with google", "login with google", "google account"]),
    ("Apple sign-in", &["apple login", "sign in with apple"]),
    ("Outlook", &["outlook", "microsoft 365", "office 365"]),
    ("Microsoft Teams", &["microsoft teams", "ms teams"]),
    ("Slack", &["slack"]),
    ("Discord", &["discord"]),
    ("Telegram", &["telegram"]),
    ("WhatsApp", &["whatsapp", "whats app"]),
    ("Zoom", &["zoom"]),
    ("Twilio", &["twilio"]),
    ("Mailchimp", &["mailchimp", "mail chimp"]),
    ("SendGrid", &["sendgrid"]),
    ("HubSpot", &["hubspot", "hub spot"]),
    ("Salesforce", &["salesforce"]),
    ("GoHighLevel", &["gohighlevel", "go high level", "highlevel"]),
    ("Pipedrive", &["pipedrive"]),
    ("Zapier", &["zapier"]),
    ("Airtable", &["airtable"]),
    ("Notion", &["notion"]),
    ("Trello", &["trello"]),
    ("Jira", &["jira"]),
    ("GitHub", &["github"]),
    ("GitLab", &["gitlab"]),
    ("Shopify", &["shopify"]),
    ("WooCommerce", &["woocommerce", "woo commerce"]),
    ("WordPress", &["wordpress", "word press"]),
    ("QuickBooks", &["quickbooks"]),
    ("Xero", &["xero"]),
    ("DATEV", &["datev"]),
    ("SAP", &["sap"]),
    ("OpenAI", &["openai", "chatgpt", "gpt"]),
    ("AWS S3", &["aws", "s3", "amazon s3"]),
    ("Firebase", &["firebase"]),
    ("Auth0", &["auth0"]),
    ("Dropbox", &["dropbox"]),
    ("Instagram", &["instagram"]),
    ("Facebook", &["facebook"]),
    ("YouTube", &["youtube"]),
    ("Spotify", &["spotify"]),
    ("DHL", &["dhl"]),
];

/// Nouns for people, and for what people run.
pub const AUDIENCE: &[&str] = &[
    "customer", "client", "user", "student", "pupil", "teacher", "parent", "kid", "child", "children", "doctor",
    "patient", "nurse", "company", "companies", "business", "businesses", "team", "employee", "staff", "freelancer",
    "owner", "member", "fan", "player", "runner", "farmer", "driver", "tenant", "landlord", "developer", "designer",
    "people", "everyone", "everybody", "anyone", "family", "senior", "traveller", "traveler", "tourist", "guest",
    "visitor", "reader", "gamer", "musician", "artist", "photographer", "lawyer", "agency", "nonprofit", "non-profit",
    "school", "university", "hospital", "gym", "club", "church", "startup", "start-up", "enterprise", "community",
    "bakery", "bakeries", "restaurant", "cafe", "café", "shop owner", "retailer", "wholesaler", "hotel", "clinic",
    "salon", "hairdresser", "dentist", "plumber", "electrician", "craftsmen", "craftsman", "contractor", "mechanic",
    "coach", "trainer", "athlete", "cyclist", "hiker", "dog owner", "pet owner", "women", "men", "teenager", "adult",
    "beginner", "expert", "researcher", "scientist", "engineer", "manager", "accountant", "consultant", "recruiter",
    "applicant", "candidate", "volunteer", "donor", "citizen", "neighbour", "neighbor", "colleague", "friend",
    "buyer", "seller", "supplier", "partner", "investor", "writer", "author", "blogger", "creator", "streamer",
    "shop", "store", "brewery", "breweries", "winery", "museum", "library", "libraries", "city", "village",
];

/// A name of a table where a clause has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub name: &'static str,
    pub at: usize,
    /// Words.
    pub length: usize,
    pub is_refused: bool,
}

/// The names of `table` that a clause holds; longer phrases first, and no word counts twice.
#[must_use]
pub fn named(clause: &Clause, table: &Table) -> Vec<Named> {
    let mut phrases: Vec<(&'static str, &'static str, usize)> = table
        .iter()
        .flat_map(|(name, phrases)| phrases.iter().map(|phrase| (*name, *phrase, phrase.split(' ').count())))
        .collect();
    phrases.sort_by_key(|(.., length)| std::cmp::Reverse(*length));
    let mut taken = vec![false; clause.words.len()];
    let mut found: Vec<Named> = Vec::new();
    for (name, phrase, length) in phrases {
        for at in 0..clause.words.len() {
            if clause.has_at(at, phrase) && !taken[at..at + length].contains(&true) {
                taken[at..at + length].fill(true);
                found.push(Named { name, at, length, is_refused: clause.is_negated(at) });
            }
        }
    }
    found.sort_by_key(|named| named.at);
    found
}
