//! How many connections there are at once, in all and from one address.
//!
//! A connection costs a file, and a process that has none left answers nobody. Where there is no room, those that
//! have waited longest without a request make some. Where nobody waits, the newcomer is told 503.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use ipnetwork::IpNetwork;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::headers::bare_answer;
use crate::app::ConnectionLimits;

/// How long somebody who is refused may take to ask and to read why.
const TELLING: Duration = Duration::from_secs(1);
/// How many of them are told at once; the rest is hung up on.
const TOLD_AT_ONCE: usize = 16;
/// How often the log says that there was no room.
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// The room of a process.
#[derive(Debug)]
pub struct ConnectionSlots {
    limits: ConnectionLimits,
    /// Proxies, behind whose addresses are many people's.
    trusted: Vec<IpNetwork>,
    opened: Instant,
    seats: Mutex<Seats>,
    telling: AtomicUsize,
}

#[derive(Debug, Default)]
struct Seats {
    taken: HashMap<u64, Arc<Seat>>,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
    refused: usize,
    sent_away: usize,
    logged: Option<Instant>,
}

/// One connection's place in the room.
#[derive(Debug)]
struct Seat {
    number: u64,
    /// Whose count it is in; none for those who are spared.
    address: Option<IpAddr>,
    /// Since when nothing is being answered, in milliseconds of the room; 0 while something is.
    waiting_since: AtomicU64,
    is_sent_away: AtomicBool,
    waker: AtomicWaker,
}

/// A connection's hold on its place. Gives it back when dropped.
#[derive(Debug)]
pub struct Slot {
    room: Arc<ConnectionSlots>,
    seat: Arc<Seat>,
}

impl ConnectionSlots {
    /// An empty room.
    #[must_use]
    pub fn new(limits: ConnectionLimits, trusted: Vec<IpNetwork>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            trusted,
            opened: Instant::now(),
            seats: Mutex::default(),
            telling: AtomicUsize::new(0),
        })
    }

    /// A place for a connection from `peer`; none when everybody who is there is being answered.
    pub fn enter(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Slot> {
        let address = peer.and_then(|peer| self.counted(peer.to_canonical()));
        let mut seats = self.seats();
        let of_address = |seats: &Seats| address.map_or(0, |address| seats.by_address(address));
        if of_address(&seats) >= self.limits.of_one_address {
            seats.make_room(|seat| seat.address == address);
        }
        if seats.taken.len() >= self.limits.all {
            seats.make_room(|_| true);
        }
        let has_room = of_address(&seats) < self.limits.of_one_address && seats.taken.len() < self.limits.all;
        seats.refused += usize::from(!has_room);
        self.log(&mut seats);
        has_room.then(|| {
            let seat = Arc::new(Seat {
                number: seats.next,
                address,
                waiting_since: AtomicU64::new(self.now()),
                is_sent_away: AtomicBool::new(false),
                waker: AtomicWaker::new(),
            });
            seats.next += 1;
            if let Some(address) = address {
                *seats.by_address.entry(address).or_default() += 1;
            }
            seats.taken.insert(seat.number, seat.clone());
            Slot { room: self.clone(), seat }
        })
    }

    /// Tells somebody for whom there is no room to come back, once they have asked.
    pub async fn refuse(&self, mut socket: TcpStream) {
        if self.telling.fetch_add(1, Ordering::Relaxed) < TOLD_AT_ONCE {
            let telling = async {
                socket.readable().await?;
                socket.write_all(&bare_answer("503 Service Unavailable")).await?;
                socket.shutdown().await?;
                // What nobody has read would turn the answer into a reset.
                let mut rest = [0_u8; 4096];
                while socket.read(&mut rest).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            let _ = tokio::time::timeout(TELLING, telling).await;
        }
        self.telling.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whose count `peer` is in: its own, or for IPv6 its /64, which one customer has all of. This machine and
    /// trusted proxies are spared.
    fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        if peer.is_loopback() || self.trusted.iter().any(|network| network.contains(peer)) {
            return None;
        }
        Some(match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never 0.
    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn log(&self, seats: &mut Seats) {
        let is_due = seats.logged.is_none_or(|logged| logged.elapsed() >= LOGGED_EVERY);
        if seats.refused + seats.sent_away > 0 && is_due {
            let (refused, idle_ended, open) = (seats.refused, seats.sent_away, seats.taken.len());
            let (most, most_of_one_address) = (self.limits.all, self.limits.of_one_address);
            tracing::warn!(
                refused,
                idle_ended,
                open,
                most,
                most_of_one_address,
                "more connections came than there is room for"
            );
            (seats.refused, seats.sent_away, seats.logged) = (0, 0, Some(Instant::now()));
        }
    }
}

impl Seats {
    fn by_address(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    /// Sends away those of `which` that have waited longest: one in 32, so that a flood looks through all of them
    /// only now and then.
    fn make_room(&mut self, which: impl Fn(&Seat) -> bool) {
        let waiting = self.taken.values().filter(|seat| which(seat));
        let mut waiting: Vec<(u64, u64)> = waiting
            .map(|seat| (seat.waiting_since.load(Ordering::Relaxed), seat.number))
            .filter(|(since, _)| *since > 0)
            .collect();
        waiting.sort_unstable();
        for (_, number) in &waiting[..waiting.len().div_ceil(32)] {
            if let Some(seat) = self.leave(*number) {
                seat.is_sent_away.store(true, Ordering::Relaxed);
                seat.waker.wake();
                self.sent_away += 1;
            }
        }
    }

    fn leave(&mut self, number: u64) -> Option<Arc<Seat>> {
        let seat = self.taken.remove(&number)?;
        if let Some(address) = seat.address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(seat)
    }
}

impl Slot {
    /// Nothing is being answered here from now on.
    pub fn waits(&self) {
        self.seat.waiting_since.store(self.room.now(), Ordering::Relaxed);
    }

    /// Something is being answered here.
    pub fn is_busy(&self) {
        self.seat.waiting_since.store(0, Ordering::Relaxed);
    }

    /// Ready once the place is needed for somebody else.
    pub fn poll_sent_away(&self, cx: &Context<'_>) -> Poll<()> {
        self.seat.waker.register(cx.waker());
        if self.seat.is_sent_away.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.room.seats().leave(self.seat.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(all: usize, of_one_address: usize) -> Arc<ConnectionSlots> {
        let trusted = vec!["10.0.0.0/8".parse().unwrap()];
        ConnectionSlots::new(ConnectionLimits { all, of_one_address }, trusted)
    }

    fn enter(room: &Arc<ConnectionSlots>, address: &str) -> Option<Slot> {
        room.enter(Some(address.parse().unwrap()))
    }

    fn is_sent_away(place: &Slot) -> bool {
        place.seat.is_sent_away.load(Ordering::Relaxed)
    }

    #[test]
    fn those_who_have_waited_longest_make_room_and_nobody_who_is_answered() {
        let room = room(3, 3);
        let places: Vec<Slot> = (0..3).map(|_| enter(&room, "127.0.0.1").unwrap()).collect();
        for (place, since) in places.iter().zip([30, 10, 20]) {
            place.seat.waiting_since.store(since, Ordering::Relaxed);
        }
        places[1].is_busy();
        let fourth = enter(&room, "127.0.0.1").unwrap();
        assert_eq!(places.iter().map(is_sent_away).collect::<Vec<_>>(), [false, false, true]);
        fourth.is_busy();
        places[0].is_busy();
        assert!(enter(&room, "127.0.0.1").is_none(), "all are being answered");
        places[0].waits();
        assert!(enter(&room, "127.0.0.1").is_some());
        assert!(is_sent_away(&places[0]));
        drop((places, fourth));
        assert!(room.seats().taken.is_empty());
    }

    #[test]
    fn one_address_takes_its_share_and_no_more() {
        let room = room(100, 2);
        let busy = |address: &str| enter(&room, address).inspect(Slot::is_busy);
        for (one, same) in [("203.0.113.7", "::ffff:203.0.113.7"), ("2001:db8:1:2::3", "2001:db8:1:2:4::5")] {
            let held = (busy(one).unwrap(), busy(same).unwrap());
            assert!(busy(one).is_none() && busy(same).is_none(), "{one}");
            assert!(busy("203.0.113.8").is_some() && busy("2001:db8:1:3::3").is_some());
            held.0.waits();
            assert!(busy(same).is_some() && is_sent_away(&held.0) && !is_sent_away(&held.1));
        }
        assert!(room.seats().by_address.is_empty());
        for spared in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3"] {
            let held: Vec<Slot> = (0..20).map(|_| busy(spared).unwrap()).collect();
            assert_eq!(held.len(), 20);
        }
    }
}
