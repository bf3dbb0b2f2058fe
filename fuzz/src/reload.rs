//! A reload: the difference of two configurations.
//!
//! Input: two files, with a line `%%%` between them.

use vipd::config::{Config, Difference, Effect, RouterChange};

use super::config::original;

/// The difference leads from either configuration to the other, says nothing where there is none, and misses no router.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((old, new)) = text.split_once("\n%%%\n") else { return };
    let (Ok(old), Ok(new)) = (original(old).parse(), original(new).parse()) else { return };
    leads_to(&old.config, &new.config);
    leads_to(&new.config, &old.config);
}

fn leads_to(old: &Config, new: &Config) {
    let difference = Difference::between(old, new);
    assert_eq!(difference.apply(old), *new);
    let mut names =
        [old, new].map(|config| config.virtual_routers.iter().map(|it| it.name.clone()).collect::<Vec<_>>());
    names.iter_mut().for_each(|names| names.sort());
    let [old_names, new_names] = names;
    for (name, change) in &difference.routers {
        let (was, is) = (old_names.contains(name), new_names.contains(name));
        let expected = match change {
            RouterChange::Unchanged => was && is,
            RouterChange::Added(_) => !was && is,
            RouterChange::Removed => was && !is,
            RouterChange::Changed { effect, settings } => {
                assert!(!settings.is_empty() && settings.iter().all(|(from, to)| from != to && from.key() == to.key()));
                let most = settings.iter().map(|(from, to)| from.effect(to)).max();
                was && is && (most == Some(*effect) || *effect == Effect::Anew)
            }
        };
        assert!(expected, "{name}: {change:?}");
    }
    let unchanged = old.virtual_routers.iter().all(|router| new.virtual_routers.contains(router))
        && old_names == new_names
        && difference.node.is_empty();
    assert_eq!(difference.is_empty(), unchanged);
}
