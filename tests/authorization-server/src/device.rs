//! Device authorizations and their polling (RFC 8628): the states in one place, the moment handed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::grant::Grant;
use crate::live_options::LiveOptions;
use crate::refusal::Refusal;

/// What `slow_down` adds to the interval, for this and all later polls (section 3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// How much too early a poll may come: the interval is measured from answer to request on the client's side, and
/// from request to request here.
const TOLERANCE: Duration = Duration::from_millis(50);

/// A device authorization.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) grant: Grant,
    pub(crate) expires: Instant,
    pub(crate) interval: Duration,
    standing: Standing,
    polls: u32,
    last_poll: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Pending,
    Approved,
    Denied,
    /// Ended before its time, by a script.
    Expired,
    /// The tokens were given; a device code works once.
    Redeemed,
}

impl Device {
    pub(crate) fn new(user_code: String, grant: Grant, expires: Instant, interval: Duration) -> Self {
        Self { user_code, grant, expires, interval, standing: Standing::Pending, polls: 0, last_poll: None }
    }
}

/// All device authorizations, by device code.
#[derive(Debug, Default)]
pub(crate) struct Devices(HashMap<String, Device>);

impl Devices {
    pub(crate) fn add(&mut self, device_code: String, device: Device) {
        self.0.insert(device_code, device);
    }

    /// One poll (section 3.4). `strict` answers `slow_down` to a poll that comes before the interval is over.
    pub(crate) fn poll(
        &mut self,
        device_code: &str,
        client_id: &str,
        live: &LiveOptions,
        strict: bool,
        now: Instant,
    ) -> Result<Grant, Refusal> {
        let device = self.0.get_mut(device_code).ok_or(Refusal::DeviceCodeUnknown)?;
        if device.grant.client_id != client_id || device.standing == Standing::Redeemed {
            return Err(Refusal::DeviceCodeUnknown);
        }
        if now >= device.expires {
            device.standing = Standing::Expired;
        }
        let since = device.last_poll.replace(now).map(|last| now.duration_since(last));
        if strict && since.is_some_and(|gap| gap + TOLERANCE < device.interval) {
            device.interval += SLOW_DOWN_STEP;
            return Err(Refusal::SlowDown);
        }
        device.polls += 1;
        if device.standing == Standing::Pending {
            let reached = |limit: Option<u32>| limit.is_some_and(|limit| device.polls > limit);
            if reached(live.device_deny_after) {
                device.standing = Standing::Denied;
            } else if reached(live.device_approve_after) {
                device.standing = Standing::Approved;
            }
        }
        match device.standing {
            Standing::Pending => Err(Refusal::AuthorizationPending),
            Standing::Denied => Err(Refusal::DeviceDeclined),
            Standing::Expired => Err(Refusal::DeviceCodeExpired),
            Standing::Approved | Standing::Redeemed => {
                device.standing = Standing::Redeemed;
                Ok(device.grant.clone())
            }
        }
    }

    /// The person decides. Case and punctuation of a user code do not count (section 6.1). Says whether a pending
    /// authorization has this code.
    pub(crate) fn decide(&mut self, user_code: &str, approve: bool, now: Instant) -> bool {
        let wanted = letters(user_code);
        let found = self.0.values_mut().find(|device| {
            device.standing == Standing::Pending
                && now < device.expires
                && letters(&device.user_code) == wanted
        });
        let standing = if approve { Standing::Approved } else { Standing::Denied };
        found.map(|device| device.standing = standing).is_some()
    }

    /// A scripted `slow_down`: the interval grows, or becomes what the script says.
    pub(crate) fn slow_down(&mut self, device_code: &str, interval: Option<u64>, now: Instant) {
        if let Some(device) = self.0.get_mut(device_code) {
            device.interval = interval.map_or(device.interval + SLOW_DOWN_STEP, Duration::from_secs);
            device.last_poll = Some(now);
        }
    }

    /// A scripted end.
    pub(crate) fn expire(&mut self, device_code: &str) {
        if let Some(device) = self.0.get_mut(device_code) {
            device.standing = Standing::Expired;
        }
    }
}

fn letters(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ServerOptions;

    struct Played {
        devices: Devices,
        live: LiveOptions,
        now: Instant,
    }

    impl Played {
        fn new() -> Self {
            let now = Instant::now();
            let mut devices = Devices::default();
            let grant = Grant { client_id: "c".into(), ..Grant::default() };
            let expires = now + Duration::from_secs(60);
            devices.add("d".into(), Device::new("WDJB-MJHT".into(), grant, expires, Duration::from_secs(5)));
            Self { devices, live: ServerOptions::plain().live, now }
        }

        fn poll_after(&mut self, milliseconds: u64) -> Result<(), Refusal> {
            self.now += Duration::from_millis(milliseconds);
            self.devices.poll("d", "c", &self.live, true, self.now).map(|_| ())
        }
    }

    #[test]
    fn pending_then_approved_then_used_up() {
        let mut played = Played::new();
        assert_eq!(played.poll_after(0), Err(Refusal::AuthorizationPending));
        assert!(!played.devices.decide("XXXX-XXXX", true, played.now));
        assert!(played.devices.decide("wdjbmjht", true, played.now));
        assert!(!played.devices.decide("WDJB-MJHT", false, played.now));
        assert_eq!(played.poll_after(5000), Ok(()));
        assert_eq!(played.poll_after(5000), Err(Refusal::DeviceCodeUnknown));
    }

    #[test]
    fn each_slow_down_adds_five_seconds_for_good() {
        let mut played = Played::new();
        assert_eq!(played.poll_after(0), Err(Refusal::AuthorizationPending));
        assert_eq!(played.poll_after(4900), Err(Refusal::SlowDown));
        assert_eq!(played.poll_after(5000), Err(Refusal::SlowDown));
        assert_eq!(played.poll_after(15_000), Err(Refusal::AuthorizationPending));
        played.devices.slow_down("d", None, played.now);
        assert_eq!(played.poll_after(15_000), Err(Refusal::SlowDown));
        played.devices.slow_down("d", Some(1), played.now);
        assert_eq!(played.poll_after(1000), Err(Refusal::AuthorizationPending));
    }

    #[test]
    fn denied_expired_and_strangers() {
        let mut played = Played::new();
        assert!(played.devices.decide("WDJB-MJHT", false, played.now));
        assert_eq!(played.poll_after(0), Err(Refusal::DeviceDeclined));
        let mut played = Played::new();
        assert_eq!(played.poll_after(60_000), Err(Refusal::DeviceCodeExpired));
        let mut played = Played::new();
        let stranger = played.devices.poll("d", "x", &played.live, true, played.now);
        assert_eq!(stranger.unwrap_err(), Refusal::DeviceCodeUnknown);
        played.devices.expire("d");
        assert_eq!(played.poll_after(0), Err(Refusal::DeviceCodeExpired));
    }

    #[test]
    fn a_count_of_polls_decides_in_the_persons_place() {
        let mut played = Played::new();
        played.live.device_approve_after = Some(2);
        assert_eq!(played.poll_after(0), Err(Refusal::AuthorizationPending));
        assert_eq!(played.poll_after(5000), Err(Refusal::AuthorizationPending));
        assert_eq!(played.poll_after(5000), Ok(()));
        let mut played = Played::new();
        played.live.device_deny_after = Some(0);
        assert_eq!(played.poll_after(0), Err(Refusal::DeviceDeclined));
    }
}
