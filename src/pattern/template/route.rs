//! A request becomes a route: its ids are masked, its query is dropped.

/// `METHOD /path/<*> STATUS`, for entries that hold nothing but a request.
///
/// `url` may be whole or only a path; 0 is no status. Segments that are ids are masked: those with a digit (but for `v1`
/// and the like), e-mail addresses, and whatever is longer than a name.
pub fn route(method: &str, url: &str, status: u16) -> String {
    let mut route = String::with_capacity(url.len().min(256) + method.len() + 8);
    route.push_str(if method.is_empty() { "REQUEST" } else { method });
    route.push(' ');
    push_path(&mut route, path(url));
    if status != 0 {
        route.push_str(&format!(" {status}"));
    }
    route
}

/// Segments that are kept; deeper ones are rare and mostly part of an id.
const MAX_SEGMENTS: usize = 12;

/// Bytes from which a segment is no name any more.
const LONGEST_NAME: usize = 40;

/// The path of a URL, without host, query and fragment.
fn path(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    }
}

fn push_path(route: &mut String, path: &str) {
    let mut segments = path.trim_matches('/').split('/').filter(|s| !s.is_empty());
    let mut was_id = false;
    for segment in segments.by_ref().take(MAX_SEGMENTS) {
        let is_id = is_id(segment);
        route.push('/');
        route.push_str(if is_id { "<*>" } else { segment });
        was_id = is_id;
    }
    if segments.next().is_some() && !was_id {
        route.push_str("/<*>");
    }
    if route.ends_with(' ') {
        route.push('/');
    }
}

/// `METHOD /path` with or without ` STATUS`, as [`route()`] writes it.
pub(super) fn is_route(message: &str) -> bool {
    let bytes = message.as_bytes();
    // The longest method is PROPPATCH.
    let method = bytes.iter().take(10).take_while(|b| b.is_ascii_uppercase()).count();
    if method < 3 || bytes.get(method) != Some(&b' ') || bytes.get(method + 1) != Some(&b'/') {
        return false;
    }
    let rest = &message[method + 1..];
    let (path, status) = rest.split_once(' ').unwrap_or((rest, "200"));
    status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()) && !path.contains(['?', '#', '"', ','])
}

/// True for a part of a path that names one thing among many.
pub(super) fn is_id(segment: &str) -> bool {
    let is_version = segment.strip_prefix(['v', 'V']).is_some_and(|rest| {
        rest.len() <= 6
            && rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let has_extension = segment.rsplit_once('.').is_some_and(|(name, extension)| {
        extension.len() <= 5 && !extension.is_empty() && !name.bytes().any(|b| b.is_ascii_digit())
    });
    !is_version
        && (segment.len() > LONGEST_NAME
            || segment.contains(['@', '%', ':'])
            || (segment.bytes().any(|b| b.is_ascii_digit()) && !has_extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, url: &str, status: u16, expected: &str) {
        assert_eq!(route(method, url, status), expected);
    }

    #[test]
    fn ids_are_masked_and_queries_dropped() {
        check("GET", "https://shop.example.com/api/threads/42?page=2", 503, "GET /api/threads/<*> 503");
        check("GET", "/users/8c1f6b0e-8f9f-4f3e-9c59-3f1a0e7f6f55/orders", 200, "GET /users/<*>/orders 200");
        check("POST", "/v1/users/ann@example.com", 404, "POST /v1/users/<*> 404");
        check("GET", "/fonts/inter.woff2", 404, "GET /fonts/inter.woff2 404");
    }

    #[test]
    fn what_is_missing_is_left_out() {
        check("", "https://shop.example.com", 0, "REQUEST /");
        check("GET", "", 499, "GET / 499");
    }

    #[test]
    fn a_scanner_cannot_make_routes_without_end() {
        let deep = "/a".repeat(1000);
        assert!(route("GET", &deep, 404).len() < 64);
    }
}
