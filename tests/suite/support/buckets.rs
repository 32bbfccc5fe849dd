//! A server of buckets, as S3 is one: what it holds lies in a directory, where a test can spoil it.

use std::path::PathBuf;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::db::new_directory;

pub const ACCESS_KEY: &str = "AKIDOFTESTS";
pub const SECRET_KEY: &str = "a secret of tests";

/// See the module. Dropping it ends it.
pub struct Buckets {
    pub root: PathBuf,
    port: u16,
    _runtime: Runtime,
}

impl Buckets {
    pub fn start(names: &[&str]) -> Self {
        let root = new_directory();
        for name in names {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let mut builder = S3ServiceBuilder::new(FileSystem::new(&root).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), service));
            }
        });
        Self { root, port, _runtime: runtime }
    }

    /// A bucket's address for the configuration, with a path in it.
    pub fn address(&self, bucket: &str) -> String {
        format!("http://127.0.0.1:{}/{bucket}/of/tests?region=eu-north-1&credentials=TESTS", self.port)
    }

    /// Where a file of a bucket lies.
    pub fn file(&self, bucket: &str, path: &str) -> PathBuf {
        self.root.join(bucket).join("of/tests").join(path)
    }
}
