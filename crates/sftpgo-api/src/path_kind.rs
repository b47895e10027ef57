//! What the path of a request says before a route is looked for: which version of the API it is of, and whether anybody may
//! ask for it.

/// Says that the server answers. Anybody may ask, by whatever name they reach it: monitoring and balancers often have only
/// an address, and nobody learns more than that.
pub(crate) const HEALTH: &str = "/healthz";

/// The metrics, whose readers need not wait for the store.
pub(crate) const METRICS: &str = "/metrics";

/// The document of the API's second version. Anybody may read it.
pub(crate) const OPENAPI_V2: &str = "/openapi/openapi.yaml";

/// The beginning of all paths of the API's second version.
pub(crate) const V2: &str = "/api/v2/";

/// Is it the path of a resource that anybody may have, or that asks for a login by itself?
pub(crate) fn needs_no_principal(path: &str) -> bool {
    is_web(path) || path == HEALTH || path == "/api/v2/token"
}

/// May anybody ask for it once there is an admin?
pub(crate) fn is_public(path: &str) -> bool {
    path == OPENAPI_V2
}

/// Is it a path of the API's second version, whose answers have another shape?
pub(crate) fn is_v2(path: &str) -> bool {
    path.starts_with(V2)
}

/// Is it a path of the web admin? Its requests bring a cookie or nothing.
pub(crate) fn is_web(path: &str) -> bool {
    path == "/" || path == "/web" || path.starts_with("/web/")
}

/// Is it the page on which the first admin is made?
pub(crate) fn is_setup(path: &str) -> bool {
    matches!(path, "/web/setup" | "/web/admin/setup")
}
