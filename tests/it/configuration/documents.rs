//! Documents, and states that documents describe. They know the sections, and nothing of what is tested.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// Each is another origin, in a spelling that is not always Neon's.
pub const DOMAINS: [&str; 8] = [
    "https://a.example.com",
    "https://B.example.com/",
    "https://c.example.com:443",
    "https://bücher.example",
    "http://localhost:3000",
    "https://*.example.com",
    "myapp://callback",
    "https://d.example.com/path/",
];
const EVENTS: [&str; 4] = [
    "user.created",
    "send.otp",
    "send.magic_link",
    "phone_number.verified",
];

/// That of every OAuth server, and others that one may have besides.
const RESOURCE: &str = "https://r0.example.com";
const RESOURCES: [&str; 3] = [
    "https://r1.example.com",
    "https://r2.example.com",
    "https://r3.example.com",
];
/// Every state has these.
const CLIENTS: [(&str, &str); 2] = [
    ("https://one.example.com/id", "confidential"),
    ("https://two.example.com/id", "public"),
];

/// What is in each is named or not: with all of it, a document is a state.
#[derive(Clone, Copy, PartialEq)]
pub enum Extent {
    Part,
    All,
}

/// A document of that level.
pub fn document(is_branch: bool, extent: Extent) -> impl Strategy<Value = Value> {
    let sections = Sections { extent };
    let both = (
        sections.maybe("domains", domains()),
        sections.maybe("oauth_providers", sections.providers()),
        sections.maybe("email_server", sections.email_server()),
    );
    let branch = (
        sections.maybe("name", select(&["One", "Two"][..]).prop_map(Value::from)),
        sections.maybe("allow_localhost", any::<bool>().prop_map(Value::from)),
        sections.maybe("email_and_password", sections.email_and_password()),
        sections.maybe("organization", sections.organization()),
        sections.maybe("magic_link", sections.magic_link()),
        sections.maybe("phone_number", sections.phone_number()),
        sections.maybe("webhooks", sections.webhooks()),
    );
    let server = sections.maybe("oauth_server", sections.oauth_server());
    let clients = sections.maybe("oauth_clients", sections.oauth_clients());
    (both, branch, server, clients).prop_map(move |(both, branch, server, mut clients)| {
        if let Some((_, clients)) = &mut clients {
            keep_known(clients, server.as_ref().map(|(_, server)| server));
        }
        let both = [both.0, both.1, both.2];
        let branch = [
            branch.0, branch.1, branch.2, branch.3, branch.4, branch.5, branch.6, server, clients,
        ];
        let branch = branch.into_iter().filter(|_| is_branch);
        Value::Object(both.into_iter().chain(branch).flatten().collect())
    })
}

type Member = Option<(String, Value)>;

#[derive(Clone, Copy)]
struct Sections {
    extent: Extent,
}

impl Sections {
    fn maybe(
        self,
        name: &'static str,
        value: impl Strategy<Value = Value>,
    ) -> impl Strategy<Value = Member> {
        let extent = self.extent;
        (prop::bool::weighted(0.6), value).prop_map(move |(is_named, value)| {
            let is_named = is_named || extent == Extent::All;
            is_named.then(|| (name.to_owned(), value))
        })
    }

    fn flag(self, name: &'static str) -> impl Strategy<Value = Member> {
        self.maybe(name, any::<bool>().prop_map(Value::from))
    }

    fn number(self, name: &'static str, of: &'static [i32]) -> impl Strategy<Value = Member> {
        self.maybe(name, select(of).prop_map(Value::from))
    }

    fn text(self, name: &'static str, of: &'static [&str]) -> impl Strategy<Value = Member> {
        self.maybe(name, select(of).prop_map(Value::from))
    }

    fn providers(self) -> impl Strategy<Value = Value> {
        let id = select(&["github", "google", "microsoft", "vercel"][..]);
        let own = (select(&["id-1", "id-2"][..]), secret());
        let extent = self.extent;
        btree_map(id, option::of(own), 0..4).prop_map(move |providers| {
            let providers = providers.into_iter().map(|(id, own)| {
                let has_shared = matches!(id, "github" | "google");
                let provider = match own {
                    None if has_shared => json!({}),
                    own => {
                        let (client_id, secret) = own.unwrap_or(("id-3", "s3cret-3".to_owned()));
                        let mut own = json!({"client_id": client_id, "client_secret": secret});
                        // One that Neon does not show again.
                        if id == "microsoft" {
                            own["microsoft_tenant_id"] = "common".into();
                        }
                        if extent == Extent::Part && client_id == "id-2" {
                            own["client_secret"] = "********".into();
                        }
                        own
                    }
                };
                (id.to_owned(), provider)
            });
            Value::Object(providers.collect())
        })
    }

    fn email_server(self) -> impl Strategy<Value = Value> {
        let sender = (
            self.text("sender_email", &["a@example.com", "b@example.com"]),
            self.text("sender_name", &["A", "B"]),
        );
        let own = (
            self.text("host", &["smtp.example.com", "mail.example.com"]),
            self.number("port", &[25, 587]),
            self.text("username", &["mailer", ""]),
            self.maybe("password", secret().prop_map(Value::from)),
        );
        (any::<bool>(), sender, own).prop_map(|(is_own, sender, own)| {
            let kind = if is_own { "standard" } else { "shared" };
            let kind = Some(("type".to_owned(), Value::from(kind)));
            let own = [own.0, own.1, own.2, own.3].into_iter();
            let own = own.filter(|_| is_own);
            members([kind, sender.0, sender.1].into_iter().chain(own))
        })
    }

    fn email_and_password(self) -> impl Strategy<Value = Value> {
        (
            self.flag("enabled"),
            self.text("email_verification_method", &["link", "otp"]),
            self.flag("require_email_verification"),
            self.flag("auto_sign_in_after_verification"),
            self.flag("send_verification_email_on_sign_up"),
            self.flag("send_verification_email_on_sign_in"),
            self.flag("disable_sign_up"),
        )
            .prop_map(|it| members([it.0, it.1, it.2, it.3, it.4, it.5, it.6]))
    }

    fn organization(self) -> impl Strategy<Value = Value> {
        (
            self.flag("enabled"),
            self.number("organization_limit", &[1, 10]),
            self.number("membership_limit", &[100, 5]),
            self.text("creator_role", &["admin", "owner"]),
            self.flag("send_invitation_email"),
        )
            .prop_map(|it| members([it.0, it.1, it.2, it.3, it.4]))
    }

    fn magic_link(self) -> impl Strategy<Value = Value> {
        (
            self.flag("enabled"),
            self.number("expires_in", &[5, 1440]),
            self.flag("disable_sign_up"),
        )
            .prop_map(|it| members([it.0, it.1, it.2]))
    }

    fn phone_number(self) -> impl Strategy<Value = Value> {
        (
            self.flag("enabled"),
            self.number("otp_expires_in", &[60, 300]),
        )
            .prop_map(|it| members([it.0, it.1]))
    }

    fn oauth_server(self) -> impl Strategy<Value = Value> {
        let mcp = (
            self.text(
                "resource",
                &["https://mcp.example.com/1", "https://mcp.example.com/2"],
            ),
            self.flag("dynamic_registration"),
        );
        // Neon wants the resource, whatever else is there.
        let mcp = mcp.prop_map(|(resource, registers)| {
            let resource =
                resource.unwrap_or(("resource".to_owned(), "https://mcp.example.com/3".into()));
            members([Some(resource), registers])
        });
        (
            self.flag("enabled"),
            self.text(
                "login_page",
                &["https://a.example.com/in", "https://b.example.com/in"],
            ),
            self.text(
                "consent_page",
                &["https://a.example.com/ok", "https://b.example.com/ok"],
            ),
            self.maybe("mcp", mcp),
            self.maybe("resources", resources(0)),
        )
            .prop_map(|it| members([it.0, it.1, it.2, it.3, it.4]))
    }

    fn oauth_clients(self) -> impl Strategy<Value = Value> {
        let uris = ["https://a.example.com/back", "https://b.example.com/back"];
        let uris = subsequence(uris.to_vec(), 1..=2).prop_shuffle();
        let client = (
            self.text("name", &["One", "Two"]),
            self.maybe("redirect_uris", uris.prop_map(Value::from)),
            self.maybe("resources", resources(0)),
            self.flag("skip_consent"),
            self.flag("disabled"),
        )
            .prop_map(|it| members([it.0, it.1, it.2, it.3, it.4]));
        let extent = self.extent;
        vec((client, any::<bool>()), CLIENTS.len()).prop_map(move |clients| {
            let clients = clients.into_iter().zip(CLIENTS);
            let named = clients.filter(|((_, is_named), _)| *is_named || extent == Extent::All);
            let named = named.map(|((mut client, has_type), (id, kind))| {
                if has_type || extent == Extent::All {
                    client["type"] = kind.into();
                }
                (id.to_owned(), client)
            });
            Value::Object(named.collect())
        })
    }

    fn webhooks(self) -> impl Strategy<Value = Value> {
        let url = ["https://a.example.com/hook", "https://b.example.com/hook"];
        let url = select(url.to_vec()).prop_map(Value::from);
        let events = subsequence(EVENTS.to_vec(), 0..4)
            .prop_shuffle()
            .prop_map(Value::from);
        (
            self.flag("enabled"),
            self.maybe("webhook_url", url),
            self.maybe("enabled_events", events),
            self.number("timeout_seconds", &[1, 5]),
        )
            .prop_map(|it| members([it.0, it.1, it.2, it.3]))
    }
}

fn resources(least: usize) -> impl Strategy<Value = Value> {
    let more = subsequence(RESOURCES.to_vec(), least..=RESOURCES.len());
    more.prop_map(|more| [&[RESOURCE], &more[..]].concat().into())
}

/// A client can only have what the server has.
fn keep_known(clients: &mut Value, server: Option<&Value>) {
    let there = server.and_then(|server| server["resources"].as_array());
    let is_known = |it: &Value| it == RESOURCE || there.is_some_and(|there| there.contains(it));
    for client in clients.as_object_mut().expect("clients").values_mut() {
        if let Some(resources) = client.get_mut("resources") {
            resources.as_array_mut().expect("a list").retain(is_known);
        }
    }
}

fn domains() -> impl Strategy<Value = Value> {
    let some = subsequence(DOMAINS.to_vec(), 0..DOMAINS.len()).prop_shuffle();
    (some, vec(any::<bool>(), DOMAINS.len())).prop_map(|(domains, respelled)| {
        let domains = domains.into_iter().zip(respelled);
        let domains = domains.map(|(domain, respelled)| match respelled {
            true => respell(domain),
            false => domain.to_owned(),
        });
        domains.collect::<Vec<_>>().into()
    })
}

/// The same origin.
pub fn respell(domain: &str) -> String {
    match domain {
        "https://a.example.com" => "HTTPS://A.Example.com:443/".to_owned(),
        "https://bücher.example" => "https://xn--bcher-kva.example".to_owned(),
        domain => domain.replace("B.", "b.").replace(":443", ""),
    }
}

fn secret() -> impl Strategy<Value = String> {
    select(&["s3cret-1", "s3cret-2"][..]).prop_map(str::to_owned)
}

fn members(members: impl IntoIterator<Item = Member>) -> Value {
    Value::Object(members.into_iter().flatten().collect::<Map<_, _>>())
}
