//! The baseline of a read: a bare hyper server that sends the same responses and does nothing else, in a process of its own.

use std::convert::Infallible;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fs, process, thread};

use bytes::Bytes;
use clap::Args;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::Result;
use crate::http::Answer;

/// A response of the server, for the bare server to send.
#[derive(Debug, Serialize, Deserialize)]
pub struct Copied {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl From<Answer<'_>> for Copied {
    fn from(answer: Answer<'_>) -> Self {
        let mut headers = answer.headers();
        // hyper writes these by itself.
        headers.retain(|(name, _)| name != "date" && name != "content-length");
        Self { status: answer.status, headers, body: answer.body.to_vec() }
    }
}

/// A running bare server.
#[derive(Debug)]
pub struct BareServer {
    _process: Child,
    pub address: SocketAddr,
}

impl BareServer {
    /// Starts one that sends `current` to requests with an `ETag`, and `whole` to all others.
    pub async fn start(directory: &Path, whole: Copied, current: Copied) -> Result<Self> {
        let answers = directory.join("bare.json");
        fs::write(&answers, serde_json::to_vec(&(whole, current))?)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("bare-server")
            .arg(&answers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut address = String::new();
        let stdout = process.stdout.take().ok_or("no output")?;
        BufReader::new(stdout).read_line(&mut address).await?;
        Ok(Self { _process: process, address: address.trim().parse()? })
    }
}

#[derive(Debug, Args)]
pub struct Arguments {
    /// The two responses
    file: PathBuf,
}

/// Runs the bare server, until the process that started it ends.
pub fn serve(arguments: &Arguments) -> Result<()> {
    let answers: (Copied, Copied) = serde_json::from_slice(&fs::read(&arguments.file)?)?;
    let answers = Arc::new((Ready::from(answers.0), Ready::from(answers.1)));
    // The pipe closes when the process that started this one ends.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let has_it = request.headers().contains_key(IF_NONE_MATCH);
                    let answer = if has_it { &answers.1 } else { &answers.0 };
                    std::future::ready(Ok::<_, Infallible>(answer.response()))
                });
                let _ = Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

struct Ready {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl From<Copied> for Ready {
    fn from(copied: Copied) -> Self {
        let header = |(name, value): (String, String)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        };
        Self {
            status: copied.status,
            headers: copied.headers.into_iter().map(header).collect(),
            body: copied.body.into(),
        }
    }
}

impl Ready {
    fn response(&self) -> Response<ReadyBody> {
        let mut response = Response::new(ReadyBody(Some(self.body.clone()).filter(|body| !body.is_empty())));
        *response.status_mut() = self.status.try_into().unwrap();
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// A body of one frame.
struct ReadyBody(Option<Bytes>);

impl Body for ReadyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}
