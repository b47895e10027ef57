//! What `ban` and `iplist` ask and print.

use serde_json::{Value, json};

use crate::fake::{Fake, answer};

fn hosts() -> Value {
    json!([
        {"id": "3139322e302e322e37", "ip": "192.0.2.7", "score": 4},
        {"id": "323030313a6462383a3a", "ip": "2001:db8::", "ban_time": "2027-01-01T00:00:00Z"},
    ])
}

fn entries() -> Value {
    json!([
        {"ipornet": "127.0.0.0/8", "type": 2, "mode": 1, "protocols": 0, "description": "this machine"},
        {"ipornet": "203.0.113.0/24", "type": 2, "mode": 2, "protocols": 9, "description": "a\u{7}"},
    ])
}

#[test]
fn bans_are_listed_with_scores_and_with_what_is_always_refused() {
    let fake = Fake::answering([
        (200, hosts()),
        (200, entries()),
        (200, json!([])),
        (200, json!([])),
    ]);
    assert_eq!(
        fake.run(&["ban", "list"]).done(),
        "\
ADDRESS         REFUSED                     SCORE  DESCRIPTION
192.0.2.7       no                          4      -
2001:db8::      until 2027-01-01T00:00:00Z  -      -
203.0.113.0/24  always                      -      a\\u{7}
"
    );
    assert_eq!(
        fake.run(&["ban", "list"]).done(),
        "Nobody is refused, and no failed logins are counted.\n"
    );
    assert_eq!(
        fake.request_lines()[..2],
        [
            "GET /api/v2/defender/hosts",
            "GET /api/v2/iplists/2?limit=500&from="
        ]
    );
}

#[test]
fn a_network_is_refused_by_an_entry() {
    let fake = Fake::answering([answer(201, "Entry added", "")]);
    let arguments = ["ban", "add", "203.0.113.0/24", "--description", "x"];
    assert_eq!(fake.run(&arguments).done(), "203.0.113.0/24 is refused.\n");
    assert_eq!(fake.requests()[0].line, "POST /api/v2/iplists/2");
    assert_eq!(
        fake.requests()[0].body,
        json!({"ipornet": "203.0.113.0/24", "type": 2, "mode": 2, "description": "x"})
    );
}

#[test]
fn whatever_refuses_an_address_is_taken_back() {
    let refusing = json!({"ipornet": "192.0.2.7/32", "mode": 2});
    let sparing = json!({"ipornet": "192.0.2.7/32", "mode": 1});
    let missing = || answer(404, "Not Found", "Not found");
    let done = || answer(200, "OK", "");
    for (answers, is_done, asked) in [
        (vec![done(), missing()], true, 2),
        (vec![missing(), (200, refusing), done()], true, 3),
        (vec![missing(), (200, sparing)], false, 2),
        (vec![missing(), missing()], false, 2),
    ] {
        let fake = Fake::answering(answers);
        let outcome = fake.run(&["ban", "remove", "192.0.2.7"]);
        assert_eq!(outcome.code, Some(i32::from(!is_done)), "{outcome:?}");
        let expected = [
            "DELETE /api/v2/defender/hosts/3139322e302e322e37",
            "GET /api/v2/iplists/2/192.0.2.7",
            "DELETE /api/v2/iplists/2/192.0.2.7",
        ];
        assert_eq!(fake.request_lines(), expected[..asked]);
    }
}

#[test]
fn entries_are_listed_added_and_removed() {
    let fake = Fake::answering([
        (200, entries()),
        answer(201, "Entry added", ""),
        answer(200, "Entry deleted", ""),
    ]);
    assert_eq!(
        fake.run(&["iplist", "list", "defender"]).done(),
        "\
NETWORK         SAYS   PROTOCOLS  DESCRIPTION
127.0.0.0/8     allow  all        this machine
203.0.113.0/24  deny   SSH,HTTP   a\\u{7}
"
    );
    fake.run(&["iplist", "add", "allow", "192.0.2.0/24"]).done();
    fake.run(&["iplist", "remove", "defender", "127.0.0.0/8"])
        .done();
    assert_eq!(
        fake.request_lines()[1..],
        [
            "POST /api/v2/iplists/1",
            "DELETE /api/v2/iplists/2/127.0.0.0%2F8"
        ]
    );
    assert_eq!(fake.requests()[1].body["mode"], 1);
}
