//! Images, networks, volumes and new containers.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use bollard::errors::Error as BollardError;
use bollard::models::{
    ContainerCreateBody, CreateImageInfo, HostConfig, Ipam, IpamConfig, Mount, MountType, Network,
    NetworkCreateRequest, PortBinding, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ListNetworksOptions, RemoveVolumeOptions,
    RenameContainerOptionsBuilder,
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use ipnetwork::Ipv4Network;

use super::{Docker, QUICK, SLOW, or_done};
use crate::engine::api::{Answer, Answers};
use crate::engine::making::{
    ContainerPlan, EngineName, ImageInfo, ImageName, NetworkPlan, PullStep, Restart,
};
use crate::engine::model::{EngineError, EngineId};

/// Places in the address space that are tried before one gives up.
const MOST_TRIES: usize = 32;

impl Docker {
    pub(super) fn look_for_image(&self, image: ImageName) -> Answer<Option<ImageInfo>> {
        let answer = self
            .ask(QUICK * 5, move |client| async move { client.inspect_image(image.as_str()).await }.boxed());
        answer
            .map(|answer| match answer {
                Ok(image) => {
                    let exposed = image.config.and_then(|config| config.exposed_ports).unwrap_or_default();
                    let tcp = |port: &String| port.strip_suffix("/tcp").unwrap_or(port).parse().ok();
                    let ports = exposed.iter().filter_map(tcp);
                    Ok(Some(ImageInfo { port: ports.min() }))
                }
                Err(EngineError::Refused { status: 404, .. }) => Ok(None),
                Err(error) => Err(error),
            })
            .boxed()
    }

    pub(super) fn pull_image(&self, image: &ImageName) -> Answers<PullStep> {
        let this = self.clone();
        let options = CreateImageOptionsBuilder::new().from_image(image.as_str()).build();
        let connected = async move {
            let client = this.client().await?;
            let steps =
                client.create_image(Some(options), None, None).map_err(move |error| this.error(error));
            Ok::<_, EngineError>(steps.and_then(|step| async { pulled(step) }))
        };
        stream::once(connected).try_flatten().boxed()
    }

    pub(super) fn create_container(&self, plan: ContainerPlan) -> Answer<EngineId> {
        self.ask(SLOW * 3, move |client| {
            async move {
                let inherited = match &plan.environment_of {
                    Some(other) => own_environment(&client, other).await?,
                    None => Vec::new(),
                };
                let options = CreateContainerOptionsBuilder::new().name(plan.name.as_str()).build();
                let made = client.create_container(Some(options), body(&plan, inherited)).await?;
                made.id.parse().map_err(|_| BollardError::DockerStreamError {
                    error: "The engine answered without the container's id.".to_owned(),
                })
            }
            .boxed()
        })
    }

    pub(super) fn make_network(&self, plan: NetworkPlan) -> Answer<String> {
        self.ask(SLOW * 2, move |client| {
            async move {
                let all = client.list_networks(None::<ListNetworksOptions>).await?;
                let own = |network: &&Network| network.name.as_deref() == Some(plan.name.as_str());
                if let Some(id) = all.iter().find(own).and_then(|network| network.id.clone()) {
                    return Ok(id);
                }
                let taken: Vec<Ipv4Network> = all.iter().flat_map(subnets).collect();
                let mut last = None;
                for free in free_places(plan.within, &taken).take(MOST_TRIES) {
                    match client.create_network(request(&plan, free)).await {
                        Ok(made) => return Ok(made.id),
                        // Somebody was quicker, or the machine itself is there.
                        Err(error) if error.to_string().contains("overlap") => last = Some(error),
                        Err(error) => return Err(error),
                    }
                }
                Err(last.unwrap_or_else(|| BollardError::DockerStreamError {
                    error: format!("No sixteen addresses of PILOTHOUSE_NETWORKS ({}) are free.", plan.within),
                }))
            }
            .boxed()
        })
    }

    /// Of our own name only, and not while a container uses it.
    pub(super) fn unmake_network(&self, name: EngineName) -> Answer<()> {
        self.ask(SLOW, move |client| {
            async move {
                for network in client.list_networks(None::<ListNetworksOptions>).await? {
                    if network.name.as_deref() == Some(name.as_str())
                        && let Some(id) = &network.id
                    {
                        match client.remove_network(id).await {
                            Err(BollardError::DockerResponseServerError {
                                status_code: 403 | 404, ..
                            })
                            | Ok(()) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Ok(())
            }
            .boxed()
        })
    }

    /// One that is there already is made again without harm.
    pub(super) fn make_volume(&self, name: EngineName, labels: BTreeMap<String, String>) -> Answer<()> {
        self.ask(SLOW, move |client| {
            async move {
                let request = VolumeCreateRequest {
                    name: Some(name.to_string()),
                    labels: Some(labels.into_iter().collect()),
                    ..VolumeCreateRequest::default()
                };
                client.create_volume(request).await.map(|_| ())
            }
            .boxed()
        })
    }

    pub(super) fn unmake_volume(&self, name: EngineName) -> Answer<()> {
        let answer = self.ask(SLOW, move |client| {
            async move { client.remove_volume(name.as_str(), None::<RemoveVolumeOptions>).await }.boxed()
        });
        or_done(answer, |status, _| matches!(status, 404 | 409))
    }

    pub(super) fn rename_container(&self, id: EngineId, name: EngineName) -> Answer<()> {
        self.ask(SLOW, move |client| {
            let options = RenameContainerOptionsBuilder::new().name(name.as_str()).build();
            async move { client.rename_container(id.as_str(), options).await }.boxed()
        })
    }
}

fn pulled(step: CreateImageInfo) -> Result<PullStep, EngineError> {
    if let Some(message) = step.error_detail.and_then(|error| error.message) {
        return Err(EngineError::refused(500, &message));
    }
    let bytes = step.progress_detail.and_then(|detail| Some((detail.current?, detail.total?)));
    Ok(PullStep { layer: step.id, word: step.status.unwrap_or_default(), bytes })
}

/// What a container has been given besides what its image says.
async fn own_environment(client: &bollard::Docker, id: &EngineId) -> Result<Vec<String>, BollardError> {
    let inspected = client.inspect_container(id.as_str(), None).await?;
    let all = inspected.config.and_then(|config| config.env).unwrap_or_default();
    let is_id = |image: &String| image.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
    let image = match inspected.image.filter(is_id) {
        Some(image) => client.inspect_image(&image).await?.config.and_then(|config| config.env),
        None => None,
    };
    let of_image = image.unwrap_or_default();
    let is_own = |pair: &String| !of_image.contains(pair) && !pair.starts_with("PORT=");
    Ok(all.into_iter().filter(is_own).collect())
}

fn body(plan: &ContainerPlan, inherited: Vec<String>) -> ContainerCreateBody {
    let inside = format!("{}/tcp", plan.published.inside);
    let binding = PortBinding {
        host_ip: Some(plan.published.address.to_string()),
        host_port: Some(plan.published.port.to_string()),
    };
    let policy = |name, times| RestartPolicy { name: Some(name), maximum_retry_count: times };
    let mount = |(volume, path): &(EngineName, String)| Mount {
        target: Some(path.clone()),
        source: Some(volume.to_string()),
        typ: Some(MountType::VOLUME),
        ..Mount::default()
    };
    let mut environment = inherited;
    environment.extend(plan.environment.iter().map(|(name, value)| format!("{name}={}", value.reveal())));
    environment.push(format!("PORT={}", plan.published.inside));
    ContainerCreateBody {
        image: Some(plan.image.to_string()),
        labels: Some(plan.labels.clone().into_iter().collect()),
        env: Some(environment),
        exposed_ports: Some(vec![inside.clone()]),
        host_config: Some(HostConfig {
            memory: Some(plan.limits.memory),
            memory_swap: Some(plan.limits.memory),
            nano_cpus: Some(plan.limits.nano_cpus),
            pids_limit: Some(plan.limits.processes),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: Some(plan.capabilities.clone()),
            network_mode: Some(plan.network.clone()),
            port_bindings: Some(HashMap::from([(inside, Some(vec![binding]))])),
            mounts: Some(plan.volume.iter().map(mount).collect()),
            restart_policy: Some(match plan.restart {
                Restart::Never => policy(RestartPolicyNameEnum::NO, None),
                Restart::OnFailure => policy(RestartPolicyNameEnum::ON_FAILURE, Some(3)),
                Restart::UnlessStopped => policy(RestartPolicyNameEnum::UNLESS_STOPPED, None),
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn request(plan: &NetworkPlan, subnet: Ipv4Network) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: plan.name.to_string(),
        driver: Some("bridge".to_owned()),
        labels: Some(plan.labels.clone().into_iter().collect()),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig { subnet: Some(subnet.to_string()), ..IpamConfig::default() }]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    }
}

fn subnets(network: &Network) -> Vec<Ipv4Network> {
    let configs = network.ipam.as_ref().and_then(|ipam| ipam.config.as_ref());
    configs.into_iter().flatten().filter_map(|config| config.subnet.as_ref()?.parse().ok()).collect()
}

/// The /28s of `within` that overlap with none of `taken`, from the first on.
fn free_places(within: Ipv4Network, taken: &[Ipv4Network]) -> impl Iterator<Item = Ipv4Network> {
    let first = u32::from(within.network());
    let count = within.size() / 16;
    (0..count)
        .filter_map(move |place| Ipv4Network::new(Ipv4Addr::from(first + place * 16), 28).ok())
        .filter(|place| !taken.iter().any(|other| other.overlaps(*place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_get_places_that_overlap_with_no_other() {
        let within = "10.200.0.0/24".parse().unwrap();
        let taken = ["10.200.0.0/27".parse().unwrap(), "172.17.0.0/16".parse().unwrap()];
        let free: Vec<String> = free_places(within, &taken).map(|place| place.to_string()).collect();
        assert_eq!((free.len(), free[0].as_str()), (14, "10.200.0.32/28"));
        assert_eq!(free_places(within, &[within]).count(), 0);
    }
}
