//! What may be kept by browsers and by what is between, and in which form.

use crate::browser::Web;

/// Where the pages of a server have an asset.
fn address(page: &str, name: &str) -> String {
    let start = page.find(&format!("/web/static/{name}?")).unwrap();
    page[start..].split('"').next().unwrap().to_owned()
}

#[test]
fn an_asset_is_kept_until_the_server_is_another_one() {
    let web = Web::with_admin();
    let mut browser = web.browser();
    let login = browser.open("/web/login");
    for name in ["style.css", "script.js", "icon.svg"] {
        let asset = browser.open(&address(login.text(), name));
        assert_eq!(asset.status, 200);
        assert_eq!(
            asset.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(asset.header("vary"), "accept-encoding");
        let bare = browser.open(&format!("/web/static/{name}"));
        assert_eq!(bare.header("cache-control"), "no-cache");
        let tag = bare.header("etag").to_owned();
        let known = |tag: &str| {
            let headers = [("If-None-Match", tag)];
            web.browser()
                .send("GET", &format!("/web/static/{name}"), "", &headers)
        };
        let again = known(&tag);
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), tag);
        assert_eq!(known("\"of another server\"").status, 200);
    }
}

#[test]
fn a_page_is_kept_by_nobody_and_compressed_for_who_takes_it() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = browser.open("/web/users");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("vary"), "accept-encoding, cookie");
    assert_eq!(page.header("content-encoding"), "");
    let gzip = [("Accept-Encoding", "br, gzip")];
    let page = browser.send("GET", "/web/users", "", &gzip);
    assert_eq!(page.header("content-encoding"), "gzip");
    assert_eq!(page.header("vary"), "accept-encoding, cookie");
    assert_eq!(page.body[..2], [0x1f, 0x8b]);
}
