//! Entitlements as a file says them.

use bytes::Bytes;

use super::{Entitlements, Rules, wrong};
use crate::{
    Error, Result,
    pubsub::Criterion,
    zpl::{self, Section},
};

pub(super) fn read(text: &[u8]) -> Result<Entitlements> {
    let root = zpl::parse(text)?;
    let mut entitlements = Entitlements::default();
    let (mut everyone, mut anonymous, mut users) = (None, None, Vec::new());
    for section in &root.children {
        let once = match section.name.as_str() {
            "everyone" => everyone.replace(section),
            "anonymous" => anonymous.replace(section),
            "user" => {
                users.extend(children(section)?);
                None
            }
            "group" => {
                for group in children(section)? {
                    let rules = only_rules(group)?;
                    entitlements.add_group(bytes(&group.name), rules).map_err(at(group))?;
                }
                None
            }
            _ => return Err(unknown(section)),
        };
        if once.is_some() {
            return Err(at(section)(wrong("this stands twice")));
        }
    }
    if let Some(section) = everyone {
        entitlements.set_everyone(only_rules(section)?).map_err(at(section))?;
    }
    // Groups are there by now, wherever they stand in the file.
    if let Some(section) = anonymous {
        let (rules, others) = rules(section)?;
        entitlements.add_anonymous(rules).map_err(at(section))?;
        for item in others {
            property(&mut entitlements, b"", item)?;
        }
    }
    for section in users {
        let (rules, others) = rules(section)?;
        entitlements.add_user(bytes(&section.name), rules).map_err(at(section))?;
        let mut passwords = others.iter().filter(|item| item.name == "password");
        if let Some(second) = passwords.nth(1) {
            return Err(at(second)(wrong("a user has one password")));
        }
        for item in others {
            property(&mut entitlements, section.name.as_bytes(), item)?;
        }
    }
    Ok(entitlements)
}

/// What a user has besides rules.
fn property(entitlements: &mut Entitlements, user: &[u8], item: &Section) -> Result<()> {
    let done = match item.name.as_str() {
        "password" => entitlements.set_password(user, bytes(text(item)?)),
        "token" => entitlements.add_token(user, bytes(text(item)?)),
        "key" => entitlements.add_key(user, bytes(text(item)?)),
        "group" => entitlements.join(user, text(item)?.as_bytes()),
        _ => return Err(unknown(item)),
    };
    done.map_err(at(item))
}

/// The rules below a section, where nothing else may stand.
fn only_rules(section: &Section) -> Result<Rules> {
    let (rules, others) = rules(section)?;
    others.first().map_or(Ok(rules), |other| Err(unknown(other)))
}

/// The rules below a section, and what else stands there.
fn rules(section: &Section) -> Result<(Rules, Vec<&Section>)> {
    let (mut rules, mut others) = (Rules::default(), Vec::new());
    for item in children(section)? {
        let pattern = || Criterion::pattern(bytes(text(item)?)).map_err(at(item));
        let prefix = || Criterion::prefix(bytes(text(item)?)).map_err(at(item));
        match item.name.as_str() {
            "allow" => rules.allow.push(pattern()?),
            "allow-prefix" => rules.allow.push(prefix()?),
            "deny" => rules.deny.push(pattern()?),
            "deny-prefix" => rules.deny.push(prefix()?),
            _ => others.push(item),
        }
    }
    Ok((rules, others))
}

/// Those below a section that has nothing but children.
fn children(section: &Section) -> Result<&[Section]> {
    if section.value.is_some() {
        return Err(at(section)(wrong("this has no value; what belongs to it stands below it")));
    }
    Ok(&section.children)
}

/// The value of what has nothing else.
fn text(item: &Section) -> Result<&str> {
    let what = match &item.value {
        _ if !item.children.is_empty() => "nothing may stand below this",
        None => "a value is wanted; the empty one is \"\"",
        Some(_) if item.is_doubtful => "a value with a # or a quote in it stands in quotes",
        Some(value) => return Ok(value),
    };
    Err(at(item)(wrong(what)))
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn unknown(section: &Section) -> Error {
    at(section)(wrong("nothing of this name may stand here"))
}

/// Says where, and never what: it may be a secret.
fn at(section: &Section) -> impl Fn(Error) -> Error {
    |error| error.with("name", &section.name).with("line", section.line)
}
