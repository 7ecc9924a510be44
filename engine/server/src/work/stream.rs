//! Vectors of a request one by one, as soon as they are ready.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::job::{Counts, Failure, Job, Measured};
use crate::models::Model;
use crate::shared::Shared;

/// What happens to a request, in this order.
#[derive(Debug)]
enum Event {
    /// Its texts were tokenized.
    Tokenized(Counts),
    /// The vector of the text at this place.
    Vector(usize, Vec<f32>),
    /// All vectors are there, or there will be no more.
    End(Result<(), Failure>),
}

/// The vectors of a request. Dropping it stops the work.
#[derive(Debug)]
pub(crate) struct VectorStream {
    events: UnboundedReceiver<Event>,
    _work: Work,
    /// The first that was ready.
    first: Option<(usize, Vec<f32>)>,
    /// Until the first vector: the time in the encoder is not known yet.
    pub(crate) measured: Measured,
}

impl VectorStream {
    /// Waits for the first vector.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn start(shared: &Arc<Shared>, model: &Arc<Model>, job: Job) -> Result<Self, Failure> {
        let (sender, mut events) = unbounded_channel();
        let (shared, model) = (shared.clone(), model.clone());
        let work = Work(tokio::spawn(async move {
            let end = embed_each(&shared, &model, job, &sender).await;
            // Nobody listens if the client has gone.
            let _ = sender.send(Event::End(end));
        }));
        let start = Instant::now();
        let mut measured = Measured::default();
        loop {
            match events.recv().await {
                Some(Event::Tokenized(counts)) => {
                    measured = Measured { counts, tokenize: start.elapsed(), ..Measured::default() };
                }
                Some(Event::Vector(place, vector)) => {
                    measured.queue = start.elapsed().saturating_sub(measured.tokenize);
                    return Ok(Self { events, _work: work, first: Some((place, vector)), measured });
                }
                Some(Event::End(Ok(()))) | None => {
                    let message = "a request ended without a vector".to_owned();
                    return Err(Failure::Engine(nearsay::Error::Bug(message)));
                }
                Some(Event::End(Err(failure))) => return Err(failure),
            }
        }
    }

    /// The next vectors with their places, at most `most`; none at the end.
    ///
    /// # Errors
    /// If the request fails after its first vector: the device is lost, or the deadline passes.
    pub(crate) async fn next(&mut self, most: usize) -> Result<Vec<(usize, Vec<f32>)>, Failure> {
        let mut vectors: Vec<_> = self.first.take().into_iter().collect();
        let mut events = Vec::new();
        if vectors.is_empty() {
            self.events.recv_many(&mut events, most).await;
        }
        for event in events {
            match event {
                Event::Vector(place, vector) => vectors.push((place, vector)),
                Event::End(Err(failure)) => return Err(failure),
                Event::End(Ok(())) | Event::Tokenized(_) => {}
            }
        }
        Ok(vectors)
    }
}

/// The task that encodes. It stops when this is dropped, also before the first vector.
#[derive(Debug)]
struct Work(JoinHandle<()>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn embed_each(
    shared: &Shared,
    model: &Model,
    job: Job,
    sender: &UnboundedSender<Event>,
) -> Result<(), Failure> {
    let kind = model.prepared(&job.settings)?.text_vectors()?;
    let inputs = job.inputs.into_iter().map(Arc::new).collect();
    let (tokenized, ready) = (sender.clone(), sender.clone());
    // Nobody listens if the client has gone.
    let told = move |counts| drop(tokenized.send(Event::Tokenized(counts)));
    let on_output = move |place, vector: &Vec<f32>| drop(ready.send(Event::Vector(place, vector.clone())));
    let fits = move |counts| {
        told(counts);
        Ok(())
    };
    shared.work.run(kind, inputs, job.conditions, (fits, Some(Box::new(on_output)))).await.map(drop)
}
