//! The XML of AWS's Query protocol.
//!
//! Only what its answers need: elements with text, elements with children, and the two envelopes. It never writes a
//! value unescaped.

use super::aws_error::AwsError;

/// One element with text in it.
pub(super) fn text(name: &str, value: &str) -> String {
    format!("<{name}>{}</{name}>", escape(value))
}

/// One element with text in it, or nothing.
pub(super) fn optional(name: &str, value: Option<&str>) -> String {
    value.map(|value| text(name, value)).unwrap_or_default()
}

/// One element with the given children.
pub(super) fn parent(name: &str, children: &[String]) -> String {
    format!("<{name}>{}</{name}>", children.concat())
}

/// The answer to a successful call; `result` is the list of the members of its result.
pub(super) fn response(namespace: &str, action: &str, result: &[String], request_id: &str) -> String {
    let result = parent(&format!("{action}Result"), result);
    let metadata = parent("ResponseMetadata", &[text("RequestId", request_id)]);
    format!("<{action}Response xmlns=\"{namespace}\">{result}{metadata}</{action}Response>\n")
}

/// The answer to a refused call.
pub(super) fn error(namespace: &str, error: &AwsError, request_id: &str) -> String {
    let members = [text("Type", error.kind()), text("Code", &error.code), text("Message", &error.message)];
    let body = [parent("Error", &members), text("RequestId", request_id)].concat();
    format!("<ErrorResponse xmlns=\"{namespace}\">{body}</ErrorResponse>\n")
}

fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(text("Message", "a<b & \"c\""), "<Message>a&lt;b &amp; &quot;c&quot;</Message>");
    }

    #[test]
    fn a_success_is_wrapped_as_the_query_protocol_wraps_it() {
        assert_eq!(
            response("ns", "GetX", &[text("A", "1")], "id"),
            "<GetXResponse xmlns=\"ns\"><GetXResult><A>1</A></GetXResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetXResponse>\n"
        );
    }
}
