//! Setup, login, second factor, and the ends of a session.

use sftpgo_core::{
    admin::{AdminDraft, TotpSecret},
    user::now_ms,
};

use crate::browser::{PASSWORD, Web, actor};

const PAGES: [&str; 5] = [
    "/web",
    "/web/users",
    "/web/user",
    "/web/connections",
    "/web/admin/users",
];

#[test]
fn while_there_is_no_admin_every_page_leads_to_the_setup() {
    let web = Web::new();
    let mut browser = web.browser();
    for page in PAGES.iter().chain(&["/web/login", "/web/unknown"]) {
        browser.open(page).leads_to("/web/setup");
    }
    browser.open("/").leads_to("/web");
    let page = browser.open("/web/setup");
    page.shows("Setup code");
    let page = browser.open(&format!("/web/setup?code={}", web.setup_code));
    page.hides("Setup code");
    assert_eq!(page.value("code"), web.setup_code);
}

#[test]
fn the_first_admin_is_made_with_the_code_and_is_logged_in() {
    let web = Web::new();
    let mut browser = web.browser();
    let wrong = [
        ("code", "wrong"),
        ("username", "a b"),
        ("password", PASSWORD),
        ("confirm_password", "other"),
    ];
    let page = browser.submit("/web/setup", &wrong);
    assert_eq!(page.status, 400);
    // All faults at once, and what was typed.
    page.shows("is not the code")
        .shows("letters, digits")
        .shows("is not the same password")
        .shows("value=\"a b\"")
        .hides(PASSWORD);
    assert!(web.admins.list().unwrap().is_empty());
    let right = [
        ("code", web.setup_code.as_str()),
        ("username", "root"),
        ("password", PASSWORD),
        ("confirm_password", PASSWORD),
    ];
    browser.submit("/web/setup", &right).leads_to("/web");
    browser.open("/web/users").shows("root");
    // Nobody makes another one so.
    let mut other = web.browser();
    other.submit("/web/setup", &right).leads_to("/web/login");
    assert_eq!(web.admins.list().unwrap().len(), 1);
}

#[test]
fn a_login_leads_back_to_the_page_and_a_logout_ends_it_everywhere() {
    let web = Web::with_admin();
    let mut browser = web.browser();
    let page = browser.open("/web/users?search=b");
    page.leads_to("/web/login?next=%2Fweb%2Fusers%3Fsearch%3Db");
    let next = "/web/users?search=b";
    let form = [("username", "root"), ("password", PASSWORD), ("next", next)];
    let page = browser.submit("/web/login", &form);
    page.leads_to(next);
    let cookie = page.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/web", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let kept = browser.cookies.clone();
    assert_eq!(browser.open(next).status, 200);
    // Not by a link, and not by another page's form.
    assert_eq!(browser.open("/web/logout").status, 405);
    assert_eq!(browser.submit("/web/logout", &[]).status, 403);
    browser
        .submit_from("/web/users", "/web/logout", &[])
        .leads_to("/web/login");
    browser.cookies = kept;
    browser
        .open("/web/users")
        .leads_to("/web/login?next=%2Fweb%2Fusers");
}

/// One connection of HTTP/2 has many of these at once, and a crowd of them would fill the memory.
#[test]
fn nobody_sends_much_before_a_login() {
    let web = Web::with_admin();
    let mut browser = web.browser();
    let long = "x".repeat(17 * 1024);
    let form = [("username", "root"), ("password", &long)];
    for page in ["/web/login", "/web/twofactor", "/web/users", "/web/setup"] {
        assert_eq!(browser.submit(page, &form).status, 413, "{page}");
    }
    let mut browser = web.logged_in("root");
    let page = "/web/user";
    let keys = [("username", "alice"), ("public_keys", long.as_str())];
    assert_eq!(browser.submit_from(page, page, &keys).status, 400);
}

#[test]
fn a_wrong_password_is_told_like_a_wrong_name() {
    let web = Web::with_admin();
    let mut browser = web.browser();
    let mut answers = Vec::new();
    for (username, password) in [("root", "wrong"), ("nobody", PASSWORD)] {
        let form = [("username", username), ("password", password)];
        let page = browser.submit("/web/login", &form);
        assert_eq!(page.status, 403);
        page.shows("This name or password is wrong");
        assert_eq!(page.value("username"), username);
        answers.push(page.text().replace(username, ""));
    }
    assert_eq!(answers[0], answers[1]);
    assert!(browser.cookies.is_empty());
}

#[test]
fn a_second_factor_is_asked_for_and_passes_once() {
    let web = Web::with_admin();
    let totp = TotpSecret {
        config_name: "Default".to_owned(),
        secret: web.admins.generate_totp("root", "Default").unwrap().secret,
    };
    let admin = web.admins.save_totp(&actor("root"), Some(&totp)).unwrap();
    let code = admin.recovery_codes[0].code.clone();
    let mut browser = web.browser();
    browser.open("/web/twofactor").leads_to("/web/login");
    let password = [("username", "root"), ("password", PASSWORD)];
    browser
        .submit("/web/login", &password)
        .leads_to("/web/twofactor?next=%2Fweb");
    // The password alone opens nothing.
    assert_eq!(browser.open("/web/users").status, 303);
    let wrong = browser.submit("/web/twofactor", &[("passcode", "abc")]);
    assert_eq!(wrong.status, 403);
    wrong.shows("This code is wrong");
    let recovery = [("passcode", ""), ("recovery_code", code.as_str())];
    browser.submit("/web/twofactor", &recovery).leads_to("/web");
    assert_eq!(browser.open("/web/users").status, 200);
    let mut other = web.browser();
    other.submit("/web/login", &password);
    assert_eq!(other.submit("/web/twofactor", &recovery).status, 403);
}

#[test]
fn a_session_ends_at_once_with_what_it_stands_on() {
    let web = Web::with_admin();
    let ends: [(&str, &dyn Fn()); 3] = [
        ("eve", &|| {
            let stored = web.admins.by_name("eve").unwrap();
            let draft = AdminDraft {
                status: 0,
                ..AdminDraft::from(&stored)
            };
            web.admins.replace(&actor("root"), "eve", &draft).unwrap();
        }),
        ("mia", &|| web.admins.delete(&actor("root"), "mia").unwrap()),
        ("zoe", &|| {
            let remote = ([192, 0, 2, 1], 4000).into();
            let changed =
                web.logins
                    .change_password(&actor("zoe"), PASSWORD, "another one", remote);
            assert!(changed.unwrap().updated_at <= now_ms() + 1000);
        }),
    ];
    for (username, end) in ends {
        web.add_admin(username, &["view_users"]);
        let mut browser = web.logged_in(username);
        assert_eq!(browser.open("/web/users").status, 200, "{username}");
        end();
        assert_eq!(browser.open("/web/users").status, 303, "{username}");
    }
}

#[test]
fn the_cookie_opens_no_api_and_other_credentials_no_page() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    for path in ["/api/v1/user", "/api/v2/admins", "/metrics"] {
        assert_eq!(browser.open(path).status, 401, "{path}");
    }
    let token = browser.cookies.remove("sftpgo-web").unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let page = browser.send("GET", "/api/v1/user", "", &headers);
    assert_eq!(page.status, 401);
    // Of root and the password.
    let basic = [("Authorization", "Basic cm9vdDpjb3JyZWN0IGhvcnNl")];
    assert_eq!(browser.send("GET", "/api/v1/user", "", &basic).status, 200);
    assert_eq!(browser.send("GET", "/web/users", "", &basic).status, 303);
}

#[test]
fn every_answer_is_bound_to_this_server() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    for path in [
        "/web/users",
        "/web/unknown",
        "/web/static/style.css",
        "/web",
    ] {
        let page = browser.open(path);
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        page.hides("<style").hides(" style=").hides("<script>");
    }
    assert_eq!(
        browser.open("/web/users").header("cache-control"),
        "no-store"
    );
    let gzip = [("Accept-Encoding", "gzip")];
    let page = browser.send("GET", "/web/users", "", &gzip);
    assert_eq!(page.header("content-encoding"), "gzip");
    assert_eq!(page.body[..2], [0x1f, 0x8b]);
}

#[test]
fn pages_of_other_sites_may_lead_here_and_nothing_else() {
    let web = Web::with_admin();
    let mut browser = web.browser();
    let link = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ];
    assert_eq!(browser.send("GET", "/web/login", "", &link).status, 200);
    assert_eq!(browser.send("GET", "/api/v1/user", "", &link).status, 403);
    let form = "username=root&password=correct+horse";
    assert_eq!(browser.send("POST", "/web/login", form, &link).status, 403);
    let image = [
        link[0],
        ("Sec-Fetch-Mode", "no-cors"),
        ("Sec-Fetch-Dest", "image"),
    ];
    assert_eq!(browser.send("GET", "/web/login", "", &image).status, 403);
    let framed = [link[0], link[1], ("Sec-Fetch-Dest", "iframe")];
    assert_eq!(browser.send("GET", "/web/login", "", &framed).status, 403);
}
