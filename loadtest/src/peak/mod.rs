//! `loadtest peak`: dinner time in many restaurants. Dashboards and tablets have their streams open while guests read
//! menus and place orders at given rates.

mod arguments;
mod delivery;
mod reader;
mod report;
mod requests;
mod schedule;
mod streams;
mod usage;

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tableorder::clock::Clock;

pub use arguments::Arguments;
pub use reader::run as read_streams;

use crate::machine::Machine;
use crate::postgres::Postgres;
use crate::seed::{Size, Store};
use crate::server::{Program, Server};
use crate::stores::{Generated, MENU_ITEMS, generate};
use crate::threads::on_own_thread;
use crate::{Result, progress};
use report::{Measured, Report};
use requests::{Guests, Load, Outcome};
use streams::Readers;
use usage::{Cpu, Memory};

/// Files of a server, and connections to it, beside the streams.
const BESIDE_STREAMS: usize = 2_000;

/// How long events may take after the last order.
const LAST_EVENTS: Duration = Duration::from_secs(3);

/// The default limits of streams and connections of one server, of which some are reserved for staff.
const DEFAULT_STREAMS: usize = 15_000;
const DEFAULT_STREAMS_PER_STORE: usize = 375;
const DEFAULT_STREAMS_PER_USER: usize = 30;

/// `false` if an event was missed or repeated, or a request failed.
pub async fn run(arguments: Arguments) -> Result<bool> {
    if arguments.stores == 0 || arguments.instances == 0 {
        return Err("--stores and --instances must be at least 1".into());
    }
    let program = Program::find(arguments.program.as_deref())?;
    raise_file_limit(&arguments)?;
    let settings = settings(&arguments);
    progress::log("PostgreSQL, durable");
    let postgres = Postgres::start().await?;
    progress::log(format_args!("{} stores", arguments.stores));
    let size = Size { tables: arguments.tables(), menu_items: MENU_ITEMS, days: 0, orders_per_day: 0 };
    let generated = generate(&postgres, "tableorder", ("peak", arguments.stores), size).await?;
    postgres.settle("tableorder").await?;
    progress::log(format_args!("{} servers", arguments.instances));
    let servers = start_servers(&program, &postgres, arguments.instances, &settings).await?;
    let measured = measure(&arguments, &postgres, &servers, &generated).await?;
    let Machine { description, date } = Machine::read(&postgres).await?;
    let report = Report::new((description, date), arguments, &settings, measured);
    for server in servers {
        server.stop().await?;
    }
    postgres.stop().await;
    report.print();
    if let Some(file) = &report.arguments.json {
        report.write_json(file)?;
    }
    Ok(report.is_clean())
}

async fn measure(
    arguments: &Arguments,
    postgres: &Postgres,
    servers: &[Server],
    generated: &Generated,
) -> Result<Measured> {
    let postmaster = postgres.postmaster()?;
    let before = Memory::read(servers, postmaster)?;
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    progress::log(format_args!("{} streams", arguments.streams));
    let planned = streams::plan(arguments, &generated.stores, &generated.issuer, &addresses)?;
    let (planned, streams): (Vec<_>, Vec<_>) = planned.into_iter().unzip();
    let started = Instant::now();
    let readers = Readers::start(streams).await?;
    let opening = started.elapsed();
    // Wait for background work that the opening of the streams has started.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let with_streams = Memory::read(servers, postmaster)?;

    progress::log(format_args!(
        "{} orders/s and {} menu reads/s for {} s",
        arguments.orders, arguments.menu_reads, arguments.seconds
    ));
    let load = Load {
        servers: addresses,
        guests: guests(generated)?,
        orders: arguments.orders,
        menu_reads: arguments.menu_reads,
        duration: Duration::from_secs(arguments.seconds),
    };
    let cpu_before = Cpu::read(servers, postmaster, &readers)?;
    let started = Instant::now();
    let outcome = on_own_thread(move || load.run()).await?;
    let cpu = Cpu::read(servers, postmaster, &readers)?.since(cpu_before, started.elapsed());
    tokio::time::sleep(LAST_EVENTS).await;
    let at_end = Memory::read(servers, postmaster)?;

    progress::log("comparing events");
    let received = readers.stop().await?;
    let events = delivery::read_events(&mut postgres.connect("tableorder").await?).await?;
    let delivery = delivery::compare(&planned, &received, &events, &due_times(&outcome));
    if let Some(why) = received.iter().find_map(|received| received.closed.as_ref()) {
        progress::log(format_args!("a stream was refused or closed: {why}"));
    }
    Ok(Measured { outcome, delivery, opening, cpu, memory: [before, with_streams, at_end] })
}

/// The due time of each placed order, in microseconds since 1970, because an `Instant` has no meaning in the processes of the readers.
fn due_times(outcome: &Outcome) -> std::collections::HashMap<i64, i64> {
    let (now, now_micros) = (Instant::now(), Clock::system().now().timestamp_micros());
    let micros = |at: &Instant| now_micros - now.duration_since(*at).as_micros() as i64;
    outcome.placed.iter().map(|(order, due)| (*order, micros(due))).collect()
}

fn guests(generated: &Generated) -> Result<Vec<Guests>> {
    let guests = |store: &Store| {
        let tables = store.tables.iter().map(|table| generated.issuer.table(store, *table));
        Ok(Guests { tables: tables.collect::<Result<_>>()?, menu_items: store.menu_items.clone() })
    };
    generated.stores.iter().map(guests).collect()
}

async fn start_servers(
    program: &Program,
    postgres: &Postgres,
    instances: usize,
    settings: &[(&'static str, String)],
) -> Result<Vec<Server>> {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut servers = Vec::new();
    for _ in 0..instances {
        let server = program.start(postgres.directory(), &postgres.url("tableorder"), &settings).await?;
        server.wait_until_ready().await?;
        servers.push(server);
    }
    Ok(servers)
}

/// Settings that raise the limits which this load would reach, because it comes from few sessions and one address.
fn settings(arguments: &Arguments) -> Vec<(&'static str, String)> {
    // Few sessions place many orders.
    let mut settings: Vec<(&'static str, String)> =
        [("SESSION_ORDERS_PER_SECOND", "0"), ("SESSION_MAX_ORDERS", "10000000"), ("SESSION_MAX_LINES", "100000000")]
            .map(|(name, value)| (name, value.to_owned()))
            .into();
    let per_instance = arguments.streams.div_ceil(arguments.instances);
    if per_instance > DEFAULT_STREAMS {
        settings.push(("SSE_MAX_CONNECTIONS", (per_instance * 2).to_string()));
        settings.push(("MAX_CONNECTIONS", (per_instance + BESIDE_STREAMS).to_string()));
    }
    let per_store = arguments.streams_of(0);
    if per_store > DEFAULT_STREAMS_PER_STORE {
        settings.push(("SSE_MAX_CONNECTIONS_PER_STORE", (per_store * 2).to_string()));
    }
    if arguments::dashboards(per_store) > DEFAULT_STREAMS_PER_USER {
        settings.push(("SSE_MAX_CONNECTIONS_PER_USER", per_store.to_string()));
    }
    settings
}

/// A stream is an open file in this process and in the server, which inherits the limit.
fn raise_file_limit(arguments: &Arguments) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let needed = arguments.streams.div_ceil(arguments.instances) + BESIDE_STREAMS;
    if (most as usize) < needed {
        let instances = arguments.streams.div_ceil((most as usize).saturating_sub(BESIDE_STREAMS).max(1));
        return Err(format!(
            "only {most} files may be open in one process, and a server would need {needed}: raise the limit \
             (ulimit -Hn), or use --instances {instances}"
        )
        .into());
    }
    Ok(())
}
