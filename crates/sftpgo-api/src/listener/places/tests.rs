//! Who gets a place, and who gives it away.

use futures_util::FutureExt;

use super::*;

fn source(last: u8) -> Option<IpAddr> {
    Some([192, 0, 2, last].into())
}

fn is_closed(place: &Place) -> bool {
    place.close_requested().is_cancelled()
}

/// Takes a place; none while the connection waits.
fn enter(places: &Arc<Places>, source: Option<IpAddr>) -> Option<Option<Arc<Place>>> {
    let entered = places.enter(source).now_or_never()?;
    Some(entered.map(Arc::new))
}

async fn fall_silent() {
    time::advance(FIRST_WORDS).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_of_whoever_has_most_makes_room() {
    let places = Places::new(4, 3);
    let one = enter(&places, source(1)).unwrap().unwrap();
    let many = [2, 2, 2].map(|last| enter(&places, source(last)).unwrap().unwrap());
    assert!(enter(&places, source(3)).is_none(), "all have just come");
    fall_silent().await;
    let new = enter(&places, source(3)).unwrap().unwrap();
    assert_eq!(
        many.each_ref().map(|place| is_closed(place)),
        [true, false, false]
    );
    assert!(!is_closed(&one) && !is_closed(&new));
}

#[tokio::test(start_paused = true)]
async fn a_source_has_no_more_places_than_it_may() {
    let places = Places::new(8, 2);
    let two = [1, 1].map(|last| enter(&places, source(last)).unwrap().unwrap());
    let running = [two[0].begin(), two[1].begin()];
    assert!(enter(&places, source(1)).unwrap().is_none());
    assert!(enter(&places, source(2)).unwrap().is_some());
    // Behind a proxy are many.
    for _ in 0..3 {
        assert!(enter(&places, None).unwrap().is_some());
    }
    drop(running);
    fall_silent().await;
    assert!(enter(&places, source(1)).unwrap().is_some());
    assert!(is_closed(&two[0]) && !is_closed(&two[1]));
}

#[tokio::test]
async fn a_source_that_is_known_later_is_bounded_too() {
    let places = Places::new(8, 2);
    let behind_a_proxy = [0; 3].map(|_| enter(&places, None).unwrap().unwrap());
    let let_in = behind_a_proxy
        .each_ref()
        .map(|place| place.is_of(source(1)));
    assert_eq!(let_in, [true, true, false]);
    assert!(behind_a_proxy[2].is_of(source(2)));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_silent_a_new_one_waits_for_an_end() {
    let places = Places::new(1, 1);
    let first = enter(&places, None).unwrap().unwrap();
    let running = first.begin();
    let mut second = Box::pin(places.enter(None));
    assert!(second.as_mut().now_or_never().is_none());
    drop((running, first));
    assert!(second.now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_silent_one_of_the_many_that_stalls_makes_room() {
    let places = Places::new(4, 3);
    let others = [1, 2].map(|last| enter(&places, source(last)).unwrap().unwrap());
    let many = [3, 3].map(|last| enter(&places, source(last)).unwrap().unwrap());
    let all = others.iter().chain(&many);
    let mut running: Vec<_> = all.map(Place::begin).collect();
    // The answer of one other and of the first of the many is not made yet.
    running[1].gives();
    running[3].gives();
    fall_silent().await;
    assert!(enter(&places, source(4)).is_none(), "they may be slow");
    time::advance(STALLED).await;
    assert!(enter(&places, source(4)).unwrap().is_some());
    assert!(is_closed(&many[1]));
    assert!(
        !others
            .iter()
            .chain(&many[..1])
            .any(|place| is_closed(place))
    );
}

#[tokio::test(start_paused = true)]
async fn who_takes_pieces_is_waited_for_and_who_stops_is_not() {
    let places = Places::new(1, 1);
    let place = enter(&places, None).unwrap().unwrap();
    let started = Instant::now();
    let mut running = place.begin();
    let patience = Duration::from_secs(30);
    let answering = async {
        // The answer is not begun: nobody waits for the client.
        time::sleep(Duration::from_secs(100)).await;
        for _ in 0..10 {
            running.gives();
            time::sleep(Duration::from_secs(20)).await;
            running.is_taken();
        }
        running.gives();
    };
    let (stalled, still) = (place.stalled_for(patience), place.still_for(patience));
    let still = async {
        still.await;
        started.elapsed()
    };
    let stalled = async {
        stalled.await;
        started.elapsed()
    };
    let ((), stalled, still) = futures_util::join!(answering, stalled, still);
    assert_eq!(still.as_secs(), 30);
    assert!((330..=360).contains(&stalled.as_secs()), "{stalled:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_begins_again_after_each_answer() {
    let places = Places::new(1, 1);
    let place = enter(&places, None).unwrap().unwrap();
    let started = Instant::now();
    let running = place.begin();
    let ending = async {
        time::sleep(Duration::from_secs(100)).await;
        drop(running);
    };
    let silence = place.silent_for(Duration::from_secs(30));
    futures_util::join!(ending, silence);
    let took = started.elapsed().as_secs();
    assert!((130..=160).contains(&took), "{took}");
}
