//! What is asked of an engine. Tests put in its place what does what no real engine can be made to do.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::making::{ContainerPlan, EngineName, ImageInfo, ImageName, NetworkPlan, PullStep};
use super::model::{
    EngineError, EngineEvent, EngineId, EngineInfo, ListedContainer, LogPiece, LogsWanted, ObservedContainer,
};
use super::usage::Usage;

/// One answer, within a deadline.
pub type Answer<T> = BoxFuture<'static, Result<T, EngineError>>;
/// Answers for as long as somebody listens. An error is the last of them.
pub type Answers<T> = BoxStream<'static, Result<T, EngineError>>;

pub trait Api: fmt::Debug + Send + Sync {
    /// Who it is; also the quickest way to know whether it answers.
    fn info(&self) -> Answer<EngineInfo>;

    /// All containers, running or not.
    fn list(&self) -> Answer<Vec<ListedContainer>>;

    /// None when it has no such container.
    fn inspect(&self, id: EngineId) -> Answer<Option<ObservedContainer>>;

    /// Done also when it runs already.
    fn start(&self, id: EngineId) -> Answer<()>;

    /// Asks it to end, and ends it after `grace`. Done also when it does not run.
    fn stop(&self, id: EngineId, grace: Duration) -> Answer<()>;

    fn restart(&self, id: EngineId, grace: Duration) -> Answer<()>;

    /// Removes it, also while it runs. Done also when it is gone.
    fn remove(&self, id: EngineId) -> Answer<()>;

    fn rename(&self, id: EngineId, name: EngineName) -> Answer<()>;

    /// None when it has no such image.
    fn image(&self, image: ImageName) -> Answer<Option<ImageInfo>>;

    /// Fetches an image, in as many words as its registry takes.
    fn pull(&self, image: &ImageName) -> Answers<PullStep>;

    fn create(&self, plan: ContainerPlan) -> Answer<EngineId>;

    /// The id of a network that is made unless it is there.
    fn network(&self, plan: NetworkPlan) -> Answer<String>;

    /// Done also when it is gone, or when a container uses it: then it stays.
    fn remove_network(&self, name: EngineName) -> Answer<()>;

    /// Done also when it is there.
    fn volume(&self, name: EngineName, labels: BTreeMap<String, String>) -> Answer<()>;

    /// Done also when it is gone, or when a container uses it: then it stays.
    fn remove_volume(&self, name: EngineName) -> Answer<()>;

    /// What happens to containers, from `since` (nanoseconds, inclusive) or from now on.
    fn events(&self, since: Option<i64>) -> Answers<EngineEvent>;

    /// What a container wrote, and writes; at most as fast as it is taken.
    fn logs(&self, id: EngineId, wanted: LogsWanted) -> Answers<LogPiece>;

    /// What a container has used since it began; none when it does not run.
    fn usage(&self, id: EngineId) -> Answer<Option<Usage>>;
}
