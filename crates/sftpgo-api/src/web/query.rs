//! Addresses of pages with what was asked for.

use form_urlencoded::Serializer;

/// `page?name=value&…` without the empty values.
pub(super) fn address(page: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => page.to_owned(),
        query => format!("{page}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_are_left_out() {
        assert_eq!(address("/web/users", &[("a", ""), ("b", "")]), "/web/users");
        let pairs = [("a", "x y"), ("b", ""), ("c", "&")];
        assert_eq!(address("/web/users", &pairs), "/web/users?a=x+y&c=%26");
    }
}
