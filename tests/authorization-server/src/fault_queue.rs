//! Which fault strikes which request.

use crate::fault::{Action, Fault};
use crate::request::{Endpoint, Request};

/// The faults that are yet to strike, in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Vec<Fault>);

impl FaultQueue {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.0
    }

    /// The first fault that strikes this request. One that still skips counts the request and lets the next fault
    /// look at it; one that strikes hides it from all that follow.
    pub(crate) fn take(
        &mut self,
        endpoint: Endpoint,
        resource: Option<&str>,
        request: &Request,
    ) -> Option<Action> {
        let grant_type = request.parameter("grant_type");
        let mut struck = None;
        for fault in &mut self.0 {
            let here = (fault.endpoint == Endpoint::Any || fault.endpoint == endpoint)
                && (fault.grant_type.is_none() || fault.grant_type.as_deref() == grant_type)
                && (fault.resource.is_none() || fault.resource.as_deref() == resource)
                && fault.path.as_deref().is_none_or(|wanted| wanted == request.path);
            if here && fault.skip > 0 {
                fault.skip -= 1;
            } else if here && fault.times > 0 {
                fault.times -= 1;
                struck = Some(fault.action.clone());
                break;
            }
        }
        self.0.retain(|fault| fault.times > 0);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_and_times_count_only_what_fits() {
        let mut queue = FaultQueue::default();
        let refresh = Fault::new(Endpoint::Token, Action::DropAfter).grant_type("refresh_token");
        queue.push(refresh.skip(1).times(2));
        queue.push(Fault::new(Endpoint::Any, Action::DropBefore).times(1));
        let mut take = |endpoint, grant_type: Option<&str>| {
            let form: Vec<_> = grant_type.map(|value| ("grant_type", value)).into_iter().collect();
            queue.take(endpoint, None, &Request::form("/", &form)).map(|action| action.name())
        };
        assert_eq!(take(Endpoint::Token, Some("refresh_token")).as_deref(), Some("drop_before"));
        assert_eq!(take(Endpoint::Token, Some("authorization_code")), None);
        assert_eq!(take(Endpoint::Metadata, None), None);
        assert_eq!(take(Endpoint::Token, Some("refresh_token")).as_deref(), Some("drop_after"));
        assert_eq!(take(Endpoint::Token, Some("refresh_token")).as_deref(), Some("drop_after"));
        assert_eq!(take(Endpoint::Token, Some("refresh_token")), None);
        assert!(queue.waiting().is_empty());
    }

    #[test]
    fn a_resource_narrows() {
        let mut queue = FaultQueue::default();
        queue.push(Fault::new(Endpoint::Any, Action::DropAfter).resource("api://x"));
        let mut struck = |resource| queue.take(Endpoint::Token, resource, &Request::form("/", &[])).is_some();
        assert_eq!([None, Some("api://y"), Some("api://x")].map(&mut struck), [false, false, true]);
    }
}
