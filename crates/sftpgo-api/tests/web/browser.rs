//! A browser that follows nothing by itself, and the server that it looks at.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use sftpgo_api::{
    Activity, AdminAccess, AllowedHosts, ApiState, Binding, BindingOptions, EventArchive, Metrics,
    PastEvents, RecentEvent, Socket, SshInfo, TokenSettings, Tokens, VersionInfo,
};
use sftpgo_core::{
    admin::{AdminDraft, AdminLogins, Admins, SetupCode, TotpConfig},
    event::{Actor, Event, LoginMethod},
    ip_list::IpLists,
    session::UploadPolicy,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{Service, Settings};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "correct horse";

/// A server on a port of its own, until it is dropped.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    pub(crate) service: Service,
    pub(crate) admins: Arc<Admins>,
    pub(crate) logins: Arc<AdminLogins>,
    pub(crate) setup_code: String,
    pub(crate) activity: Activity,
    _runtime: Runtime,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Keeps cookies.
pub(crate) struct Browser<'a> {
    web: &'a Web,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// Has one event, of long ago.
struct Archive;

impl EventArchive for Archive {
    fn last(&self, _: usize, is_wanted: &dyn Fn(&RecentEvent) -> bool) -> io::Result<PastEvents> {
        let event = Event::LoginOk {
            username: "methuselah",
            method: LoginMethod::PublicKey,
            remote: ([192, 0, 2, 1], 4000).into(),
        };
        let event = RecentEvent::of(&event, 5).filter(|event| is_wanted(event));
        Ok(PastEvents {
            events: event.into_iter().collect(),
            is_cut_short: true,
        })
    }
}

/// An admin who changes something.
pub(crate) fn actor(username: &str) -> Actor {
    Actor::admin(username, None)
}

impl Web {
    /// A server without an admin, and with bob.
    pub(crate) fn new() -> Self {
        Self::listening_at("127.0.0.1:0")
    }

    /// The same at this address.
    pub(crate) fn listening_at(address: &str) -> Self {
        let activity = Activity::default();
        let settings = Settings {
            observers: vec![Box::new(activity.clone())],
            ..Settings::default()
        };
        let service = Service::with_settings_and_bob(settings, |draft| draft.quota_size = 1 << 30);
        let metrics = Arc::new(Metrics::new().unwrap());
        let store = Arc::new(MemoryProvider::new());
        let admins = Arc::new(Admins::new(
            store,
            vec![TotpConfig::default()],
            service.events.clone(),
        ));
        let logins = AdminLogins::new(Arc::clone(&admins), Arc::new(service.logins()));
        let logins = Arc::new(logins);
        let tokens = Tokens::new(TokenSettings::default()).unwrap();
        let mut access = AdminAccess::new(Arc::clone(&logins), tokens);
        let code = SetupCode::generate();
        let setup_code = code.reveal().to_owned();
        access.setup_code = Some(code);
        let state = ApiState {
            accounts: Arc::clone(&service.accounts),
            receipts: None,
            explainer: Arc::new(service.explainer(UploadPolicy::default())),
            connections: Arc::clone(&service.connections),
            gate: Arc::default(),
            ip_lists: Arc::new(IpLists::new(
                Arc::new(MemoryProvider::new()),
                service.events.clone(),
            )),
            scans: Arc::clone(&service.scans),
            provider: Arc::clone(&service.provider),
            events: service.events.clone(),
            activity: activity.clone(),
            event_archive: Some(Arc::new(Archive)),
            metrics,
            allowed_hosts: AllowedHosts::default(),
            admins: access,
            version: VersionInfo {
                version: "1.2.3".into(),
                build_date: "2026-01-02".into(),
                commit_hash: "abc".into(),
            },
            driver: "memory".into(),
            confinement: None,
            ssh: SshInfo::default(),
        };
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(sftpgo_api::serve(
            Arc::new(state),
            vec![Binding {
                socket: Socket::Tcp(listener),
                options: BindingOptions::default(),
            }],
            CancellationToken::new(),
        ));
        Self {
            address,
            service,
            admins,
            logins,
            setup_code,
            activity,
            _runtime: runtime,
        }
    }

    /// A server with `root`, who may do everything.
    pub(crate) fn with_admin() -> Self {
        let web = Self::new();
        web.add_root();
        web
    }

    /// Adds `root`, who may do everything.
    pub(crate) fn add_root(&self) {
        self.admins
            .add_first(&Actor::program(), draft("root", &["*"]))
            .unwrap();
    }

    /// Adds an admin.
    pub(crate) fn add_admin(&self, username: &str, permissions: &[&str]) {
        self.admins
            .add(&Actor::program(), &draft(username, permissions))
            .unwrap();
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            web: self,
            cookies: BTreeMap::new(),
        }
    }

    /// A browser in which this admin has logged in.
    #[track_caller]
    pub(crate) fn logged_in(&self, username: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let form = [("username", username), ("password", PASSWORD)];
        let page = browser.submit("/web/login", &form);
        assert_eq!(page.status, 303, "{}", page.text());
        browser
    }
}

fn draft(username: &str, permissions: &[&str]) -> AdminDraft {
    AdminDraft {
        username: username.to_owned(),
        status: 1,
        password: PASSWORD.to_owned(),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        ..AdminDraft::default()
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body without the marks of its pieces (RFC 9112, 7.1).
    pub(crate) fn whole_text(&self) -> String {
        assert_eq!(self.header("transfer-encoding"), "chunked");
        let mut whole = String::new();
        let mut rest = self.text();
        loop {
            let (length, after) = rest.split_once("\r\n").expect("another piece");
            match usize::from_str_radix(length, 16).unwrap() {
                0 => return whole,
                length => {
                    whole.push_str(&after[..length]);
                    rest = after[length..].strip_prefix("\r\n").unwrap();
                }
            }
        }
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> &Self {
        assert!(
            self.text().contains(text),
            "{text:?} is not in:\n{}",
            self.text()
        );
        self
    }

    #[track_caller]
    pub(crate) fn hides(&self, text: &str) -> &Self {
        assert!(
            !self.text().contains(text),
            "{text:?} is in:\n{}",
            self.text()
        );
        self
    }

    /// The value of the first field of this name.
    pub(crate) fn value(&self, name: &str) -> String {
        let text = self.text();
        let field = format!("name=\"{name}\" value=\"");
        let start = text.find(&field).map(|at| at + field.len());
        let rest = start.map_or("", |start| &text[start..]);
        rest.split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn leads_to(&self, address: &str) {
        assert_eq!(
            (self.status, self.header("location")),
            (303, address),
            "{}",
            self.text()
        );
    }
}

impl Browser<'_> {
    pub(crate) fn open(&mut self, path: &str) -> Page {
        self.send("GET", path, "", &[])
    }

    /// Sends a form as it is.
    pub(crate) fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        self.send("POST", path, &body.finish(), &[])
    }

    /// Sends a form with the value that a page of ours has.
    pub(crate) fn submit_from(&mut self, page: &str, path: &str, form: &[(&str, &str)]) -> Page {
        let csrf = self.open(page).value("csrf_token");
        let form: Vec<_> = form
            .iter()
            .copied()
            .chain([("csrf_token", csrf.as_str())])
            .collect();
        self.submit(path, &form)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Page {
        let mut stream = self.connect(method, path, body, headers);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let page = parse(&answer);
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }

    /// A request, and the connection on which its answer comes.
    pub(crate) fn connect(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> TcpStream {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("\r\n{body}");
        let mut stream = TcpStream::connect(self.web.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

fn parse(answer: &[u8]) -> Page {
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an answer");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Page {
        status: status.parse().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}
