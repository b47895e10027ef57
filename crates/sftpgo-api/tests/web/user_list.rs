//! The list of users: a page at a time, searched, filtered and sorted.

use std::time::Instant;

use sftpgo_core::{UserDraft, storage_usage::Usage};
use sftpgo_test_support as support;

use crate::browser::{Browser, Page, Web};

fn many(web: &Web, count: usize) {
    for number in 0..count {
        support::add(
            web.service.provider.as_ref(),
            &format!("user{number:06}"),
            |draft: &mut UserDraft| {
                draft.quota_size = 1 << 30;
                draft.quota_files = 1000;
            },
        );
    }
}

/// The users on a page, in their order.
fn names(page: &Page) -> Vec<String> {
    let found = page.text().split("aria-label=\"Select ").skip(1);
    let name = |rest: &str| rest.split('"').next().unwrap().to_owned();
    found.map(name).collect()
}

/// The address of the link with this text, if there is one.
fn link(page: &Page, text: &str) -> Option<String> {
    page.text().split("href=\"").find_map(|rest| {
        let (address, behind) = rest.split_once('"')?;
        let is_it = behind.starts_with(&format!(">{text}<"));
        is_it.then(|| address.replace("&#38;", "&"))
    })
}

/// The users of all pages from this address on.
fn all_names(browser: &mut Browser<'_>, address: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(address.to_owned());
    while let Some(address) = next {
        let page = browser.open(&address);
        found.extend(names(&page));
        next = link(&page, "Next page");
    }
    found
}

#[test]
fn pages_go_on_by_name_and_a_search_finds_in_the_middle() {
    let web = Web::with_admin();
    many(&web, 250);
    let mut browser = web.logged_in("root");
    let first = browser.open("/web/users");
    first
        .shows(">bob</a>")
        .shows(">user000098</a>")
        .hides(">user000099</a>");
    first.shows("after=user000098");
    browser
        .open("/web/users?after=user000098")
        .shows(">user000099</a>")
        .shows(">user000198</a>")
        .hides(">user000199</a>");
    browser
        .open("/web/users?after=user000198")
        .hides("Next page");
    browser
        .open("/web/users?search=R00012")
        .shows(">user000129</a>")
        .hides(">bob</a>");
    browser
        .open("/web/users?search=nobody")
        .shows("There is no such user.");
    browser
        .open("/web/users?order=DESC")
        .shows(">user000249</a>")
        .hides(">bob</a>");
    // Names are text, whatever they look like.
    support::add(web.service.provider.as_ref(), "<b>&\"x", |_| {});
    browser
        .open("/web/users?search=%3Cb")
        .shows("&#60;b&#62;&#38;&#34;x")
        .hides("<b>&");
}

#[test]
fn a_search_finds_names_that_begin_so_first_then_the_others_and_each_once() {
    let web = Web::with_admin();
    many(&web, 250);
    for number in 0..150 {
        let name = format!("a-user{number:06}");
        support::add(web.service.provider.as_ref(), &name, |_| {});
    }
    support::add(web.service.provider.as_ref(), "user", |_| {});
    let mut browser = web.logged_in("root");
    let mut beginnings: Vec<_> = (0..250).map(|number| format!("user{number:06}")).collect();
    beginnings.insert(0, "user".to_owned());
    let mut others: Vec<_> = (0..150)
        .map(|number| format!("a-user{number:06}"))
        .collect();
    for order in ["", "DESC"] {
        let found = all_names(
            &mut browser,
            &format!("/web/users?search=user&order={order}"),
        );
        assert_eq!(found, [&beginnings[..], &others].concat(), "{order}");
        beginnings.reverse();
        others.reverse();
    }
    // Of case only the beginning is particular.
    browser
        .open("/web/users?search=USER00024")
        .shows(">user000249</a>");
    // A page that is full with the last of them leads to the others, where there are some.
    support::add(web.service.provider.as_ref(), "x-abc", |_| {});
    for number in 0..100 {
        support::add(
            web.service.provider.as_ref(),
            &format!("abc{number:03}"),
            |_| {},
        );
    }
    let page = browser.open("/web/users?search=abc");
    assert_eq!(names(&page).len(), 100);
    let page = browser.open(&link(&page, "Next page").unwrap());
    assert_eq!(names(&page), ["x-abc"]);
}

#[test]
fn users_are_found_behind_however_many() {
    let web = Web::with_admin();
    many(&web, 20_200);
    let provider = web.service.provider.as_ref();
    let last = provider.user_by_name("user020199").unwrap().unwrap();
    let full = Usage {
        size: 1 << 30,
        files: 1,
        updated_at: 1,
    };
    provider.set_usage(last.id, full).unwrap();
    let mut browser = web.logged_in("root");
    for query in [
        "search=user02019",
        "search=020199",
        "show=full",
        "search=R020&show=full&sort=last_login",
    ] {
        let page = browser.open(&format!("/web/users?{query}"));
        assert!(names(&page).contains(&last.username), "{query}");
        assert_eq!(link(&page, "Next page"), None, "{query}");
    }
}

#[test]
fn the_heads_of_columns_sort_and_keep_search_and_filter() {
    let web = Web::with_admin();
    let provider = web.service.provider.as_ref();
    // Many share a value, so that pages end among them.
    for number in 0..240_i64 {
        let name = format!("user{number:03}");
        let user = support::add(provider, &name, |draft: &mut UserDraft| {
            draft.status = i64::from(number % 2 == 0);
            draft.expiration_date = [0, 4_000_000_000_000][usize::from(number < 120)];
        });
        provider.record_login(user.id, number / 90).unwrap();
        let usage = Usage {
            size: number / 100,
            files: 1,
            updated_at: 1,
        };
        provider.set_usage(user.id, usage).unwrap();
    }
    let mut browser = web.logged_in("root");
    let mut page = browser.open("/web/users?search=user&show=disabled");
    page.shows("aria-sort=\"ascending\"><a href=\"/web/users?search=user&#38;show=disabled&#38;order=DESC\">Username</a>");
    let expected = |value: fn(i64) -> i64, is_descending: bool| {
        let mut numbers: Vec<_> = (0..240).filter(|number| number % 2 == 1).collect();
        numbers.sort_by_key(|number| (value(*number), *number));
        if is_descending {
            numbers.reverse();
        }
        let names = numbers.into_iter().map(|number| format!("user{number:03}"));
        names.collect::<Vec<_>>()
    };
    for (head, value, descending) in [
        (
            "Size",
            (|number| number / 100) as fn(i64) -> i64,
            [true, false],
        ),
        ("Last login", |number| number / 90, [true, false]),
        ("Expires", |number| -i64::from(number < 120), [false, true]),
        ("Username", |_| 0, [false, true]),
    ] {
        for is_descending in descending {
            let address = link(&page, head).unwrap();
            assert!(address.contains("search=user&show=disabled"), "{address}");
            page = browser.open(&address);
            let direction = ["ascending", "descending"][usize::from(is_descending)];
            page.shows(&format!("aria-sort=\"{direction}\""));
            assert_eq!(page.text().matches("aria-sort").count(), 1);
            let names = all_names(&mut browser, &address);
            assert_eq!(names, expected(value, is_descending), "{address}");
            // A search that is sent once more stays sorted so.
            let sent = page.text().contains("name=\"order\" value=\"DESC\"");
            assert_eq!(sent, is_descending, "{address}");
        }
    }
}

#[test]
fn addresses_that_say_nothing_sensible_are_the_first_page() {
    let web = Web::with_admin();
    many(&web, 3);
    let mut browser = web.logged_in("root");
    for query in ["sort=password", "show=everything", "order=UP", "part=x"] {
        let page = browser.open(&format!("/web/users?{query}"));
        assert_eq!(names(&page).len(), 4, "{query}");
    }
    let page = browser.open("/web/users?sort=last_login&after=user000000&value=x");
    assert_eq!(names(&page), ["user000001", "user000002"]);
}

#[test]
fn a_page_of_a_hundred_users_is_small_and_quick() {
    let web = Web::with_admin();
    many(&web, 1000);
    let mut browser = web.logged_in("root");
    browser.open("/web/users");
    let began = Instant::now();
    let page = browser.open("/web/users?after=user000500");
    let took = began.elapsed();
    let assets = ["style.css", "script.js", "icon.svg"]
        .map(|name| browser.open(&format!("/web/static/{name}")).body.len());
    let all = page.body.len() + assets.iter().sum::<usize>();
    println!("{all} bytes, {took:?}");
    assert_eq!(page.text().matches("<progress").count(), 200);
    assert!(all < 60 * 1024, "{all} bytes");
}
