//! Owns what a configuration has: sections and their fields, from which documents are read, compared and
//! exported, and of which the published schema is made. It knows no value and no request.

mod table;

use Section as S;

use crate::neon::target::Target;

/// In the order in which they are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Integration,
    Name,
    Domains,
    AllowLocalhost,
    OauthProviders,
    EmailServer,
    EmailAndPassword,
    Organization,
    MagicLink,
    PhoneNumber,
    Webhooks,
    OauthServer,
    OauthClients,
}

/// What is known of a section.
pub struct Shape {
    pub name: &'static str,
    /// As rows and messages call it; of entries the beginning of that.
    pub object: &'static str,
    pub form: Form,
    /// Whether the project level has it, too.
    pub at_both_levels: bool,
    pub about: &'static str,
}

pub enum Form {
    One(Kind),
    Fields(&'static [Field]),
    /// Objects by their ids, which have this form.
    Entries(&'static [Field]),
}

pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub sight: Sight,
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Flag,
    /// From the first to the second.
    Number(i32, i32),
    /// So many characters.
    Text(usize, usize),
    /// One of these, or one that Neon has and this library does not know.
    Word(&'static [&'static str]),
    /// An empty one stands for none, here and below.
    Email,
    Uri,
    /// A set of words.
    Words(&'static [&'static str]),
    /// A set of texts.
    Texts,
    Uris,
    /// A set of URIs, which are compared as origins.
    Origins,
    /// JSON, of which Neon knows more than this library: of an object what is named is compared, and an array
    /// is a set.
    Object,
    List,
}

/// What Neon shows of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    Open,
    /// To some callers, or to none; and no row shows it to anybody.
    Secret,
    /// To nobody.
    WriteOnly,
}

impl Section {
    pub const ALL: [Self; 13] = [
        S::Integration,
        S::Name,
        S::Domains,
        S::AllowLocalhost,
        S::OauthProviders,
        S::EmailServer,
        S::EmailAndPassword,
        S::Organization,
        S::MagicLink,
        S::PhoneNumber,
        S::Webhooks,
        S::OauthServer,
        S::OauthClients,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.shape().name == name)
    }

    pub fn is_at(self, target: &Target) -> bool {
        self.shape().at_both_levels || target.branch_id().is_some()
    }

    pub fn fields(self) -> &'static [Field] {
        match self.shape().form {
            Form::One(_) => &[],
            Form::Fields(fields) | Form::Entries(fields) => fields,
        }
    }

    /// Whether it is a list, of which entries can be deleted that a document does not name.
    pub fn is_list(self) -> bool {
        matches!(
            self.shape().form,
            Form::Entries(_) | Form::One(Kind::Origins)
        )
    }

    pub fn shape(self) -> &'static Shape {
        match self {
            S::Integration => &table::INTEGRATION,
            S::Name => &table::NAME,
            S::Domains => &table::DOMAINS,
            S::AllowLocalhost => &table::ALLOW_LOCALHOST,
            S::OauthProviders => &table::OAUTH_PROVIDERS,
            S::EmailServer => &table::EMAIL_SERVER,
            S::EmailAndPassword => &table::EMAIL_AND_PASSWORD,
            S::Organization => &table::ORGANIZATION,
            S::MagicLink => &table::MAGIC_LINK,
            S::PhoneNumber => &table::PHONE_NUMBER,
            S::Webhooks => &table::WEBHOOKS,
            S::OauthServer => &table::OAUTH_SERVER,
            S::OauthClients => &table::OAUTH_CLIENTS,
        }
    }
}
