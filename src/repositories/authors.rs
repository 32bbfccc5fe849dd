//! Who an author is by the repository's list of names.

use std::path::Path;

use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::bstr::{BStr, ByteSlice};

use super::boundary::{Located, read_inside};
use super::commit::{Author, text};

const LARGEST_LIST: u64 = 1 << 20;

/// What `.mailmap`, `mailmap.blob` and `mailmap.file` say, the later one first.
#[derive(Debug, Default)]
pub(super) struct Mailmap {
    names: gix::mailmap::Snapshot,
    /// Why one of them was not read.
    pub unread: Option<String>,
}

impl Mailmap {
    /// Reads `.mailmap` of the work tree, or else of the newest commit, and what the configuration names.
    pub fn read(git: &gix::Repository, located: &Located, newest: ObjectId, follow_links: bool) -> Self {
        let mut mailmap = Self::default();
        let config = git.config_snapshot();
        let inside = |path: &Path| read_inside(path, &located.root, follow_links, LARGEST_LIST);

        let checked_out = located.work_tree.as_ref().map(|tree| tree.join(".mailmap"));
        match checked_out.as_deref().map(inside).transpose() {
            Ok(Some(Some(list))) => mailmap.add(&list),
            Ok(_) => mailmap.add_blob(git, ".mailmap", blob_in(git, newest, ".mailmap".into())),
            Err(_) => mailmap.unread = Some(".mailmap".to_owned()),
        }
        if let Some(spec) = config.string("mailmap.blob") {
            let blob = match spec.split_once_str(":") {
                Some((b"HEAD" | b"", path)) => blob_in(git, newest, path.as_bstr()),
                Some((name, path)) => {
                    commit_of(git, name).and_then(|commit| blob_in(git, commit, path.as_bstr()))
                }
                None => ObjectId::from_hex(&spec).ok(),
            };
            if blob.is_none() {
                mailmap.unread = Some("mailmap.blob".to_owned());
            }
            mailmap.add_blob(git, "mailmap.blob", blob);
        }
        if let Some(file) = config.string("mailmap.file") {
            let base = located.work_tree.as_ref().unwrap_or(&located.root);
            let path = gix::path::from_bstr(file.as_bstr()).map(|path| base.join(path));
            match path.ok().and_then(|path| inside(&path).ok()) {
                Some(list) => mailmap.add(&list.unwrap_or_default()),
                None => mailmap.unread = Some("mailmap.file".to_owned()),
            }
        }
        mailmap
    }

    /// The author by the list, or as the commit has it.
    pub fn map(&self, author: Author) -> Author {
        let (name, email) = (author.name.as_bytes().as_bstr(), author.email.as_bytes().as_bstr());
        let Some(found) = self.names.try_resolve_ref(SignatureRef { name, email, time: "" }) else {
            return author;
        };
        let name = found.name.map_or(author.name, |name| text(name));
        let email = found.email.map_or(author.email, |email| text(email));
        Author::new(&name, &email)
    }

    fn add(&mut self, list: &[u8]) {
        self.names.merge(gix::mailmap::parse_ignore_errors(list));
    }

    fn add_blob(&mut self, git: &gix::Repository, what: &str, blob: Option<ObjectId>) {
        let Some(blob) = blob else { return };
        let small = |header: &gix::odb::find::Header| header.size() <= LARGEST_LIST;
        let object = git.find_header(blob).ok().filter(small).and_then(|_| git.find_object(blob).ok());
        match object {
            Some(object) if object.kind == gix::objs::Kind::Blob => self.add(&object.data),
            _ => self.unread = Some(what.to_owned()),
        }
    }
}

fn commit_of(git: &gix::Repository, name: &[u8]) -> Option<ObjectId> {
    let found = super::heads::find(git, Some(name.to_str().ok()?)).ok()?;
    Some(found.commit)
}

fn blob_in(git: &gix::Repository, commit: ObjectId, path: &BStr) -> Option<ObjectId> {
    let tree = git.find_commit(commit).ok()?.tree().ok()?;
    let entry = tree.lookup_entry(path.split_str("/")).ok()??;
    // A link is not followed, as git follows none.
    entry.mode().is_blob().then(|| entry.object_id())
}
