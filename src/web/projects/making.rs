//! The part of a new project's form that says what its container is made of.

use crate::config::ContainerSettings;
use crate::containers::{Environment, MountPath, NewContainer};
use crate::engine::{ImageName, Restart};
use crate::http::forms::Field;
use crate::identity::{Role, Viewer};
use crate::web::display::Choice;

/// What is offered where no image is configured.
pub const OFFERED_IMAGE: &str = "nginx:alpine";

/// The fields, as typed.
#[derive(Debug, Clone, Default)]
pub struct MakingFields {
    /// The image, for whoever may name one.
    pub image: Option<Field>,
    pub image_hint: String,
    pub volume: Field,
    pub restart: Vec<Choice>,
    pub restart_errors: Vec<String>,
    /// What is wrong with the environment variables; what was typed is not shown again.
    pub variables_errors: Vec<String>,
}

/// What the form sends of it.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct TypedMaking {
    #[serde(default)]
    pub image: String,
    #[serde(default)]
    pub volume: String,
    #[serde(default)]
    pub restart: String,
    /// By its name no page shows it again.
    #[serde(default)]
    pub secret_variables: String,
}

/// Who may name an image: admins, and in the demo everybody where none is configured.
#[must_use]
pub fn may_name_image(viewer: &Viewer, settings: &ContainerSettings, is_demo: bool) -> bool {
    viewer.role == Role::Admin || (is_demo && settings.images.is_empty())
}

impl MakingFields {
    /// The fields before anything was typed.
    #[must_use]
    pub fn new(viewer: &Viewer, settings: &ContainerSettings, is_demo: bool) -> Self {
        let image = if settings.images.is_empty() { OFFERED_IMAGE } else { "" };
        let typed = TypedMaking {
            image: image.to_owned(),
            volume: "/data".to_owned(),
            restart: Restart::default().as_str().to_owned(),
            secret_variables: String::new(),
        };
        Self::typed(&typed, viewer, settings, is_demo)
    }

    #[must_use]
    pub fn typed(typed: &TypedMaking, viewer: &Viewer, settings: &ContainerSettings, is_demo: bool) -> Self {
        let may_name = may_name_image(viewer, settings, is_demo);
        let image_hint = match (may_name, settings.images.is_empty()) {
            (true, false) => "Left empty, it is the image of the project's type.",
            (true, true) => "An image that the engine lacks is pulled first.",
            (false, false) => "It is made of the image of the project's type.",
            (false, true) => {
                "No image is configured (PILOTHOUSE_IMAGES), so only an admin can have one made."
            }
        };
        Self {
            image: may_name.then(|| Field::of(&typed.image)),
            image_hint: image_hint.to_owned(),
            volume: Field::of(&typed.volume),
            restart: Restart::OFFERED
                .iter()
                .map(|(_, word, label)| Choice::new(*word, *label, &typed.restart))
                .collect(),
            restart_errors: Vec::new(),
            variables_errors: Vec::new(),
        }
    }

    /// What is to be made of `kind`; when something is wrong, the fields say what, and what belongs to no field is told
    /// as an error.
    pub fn container(
        &mut self,
        typed: &TypedMaking,
        kind: &str,
        settings: &ContainerSettings,
    ) -> Result<NewContainer, Option<String>> {
        let image = self.image_of(typed, kind, settings);
        let volume = MountPath::parse(&typed.volume).map_err(|error| self.volume.refuse(error)).ok();
        let environment = Environment::parse(&typed.secret_variables)
            .map_err(|error| self.variables_errors.push(error))
            .ok();
        if environment.is_some() && !typed.secret_variables.trim().is_empty() {
            // Should anything else be wrong, they have to be typed again.
            self.variables_errors.push("Enter them again: they are not shown.".to_owned());
        }
        let restart = if typed.restart.is_empty() {
            Some(Restart::default())
        } else {
            Restart::from_stored(&typed.restart)
        };
        match (image, volume, environment, restart) {
            (Ok(Some(image)), Some(volume), Some(environment), Some(restart)) => {
                Ok(NewContainer { image, volume, restart, environment })
            }
            (Err(told), ..) => Err(Some(told)),
            (.., restart) => {
                if restart.is_none() {
                    self.restart_errors.push("Choose one of these.".to_owned());
                }
                Err(None)
            }
        }
    }

    fn image_of(
        &mut self,
        typed: &TypedMaking,
        kind: &str,
        settings: &ContainerSettings,
    ) -> Result<Option<ImageName>, String> {
        let named = typed.image.trim();
        if let Some(field) = self.image.as_mut().filter(|_| !named.is_empty()) {
            return Ok(named
                .parse()
                .map_err(|error: crate::engine::NotAnImage| field.refuse(error.to_string()))
                .ok());
        }
        match (settings.image_of(kind), &mut self.image) {
            (Some(image), _) => Ok(Some(image.clone())),
            (None, Some(field)) => {
                field.refuse(
                    "Name an image, such as nginx:alpine: none is configured for this type.".to_owned(),
                );
                Ok(None)
            }
            (None, None) => Err(format!(
                "No image is configured for projects of the type {kind} (PILOTHOUSE_IMAGES), so no container can be made."
            )),
        }
    }
}
