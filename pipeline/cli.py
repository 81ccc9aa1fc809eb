"""The `millrace` command: serve models, test a served one, try a site spec, studies, nas, the zoo."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.errors import FeatureError
from models.errors import ModelError
from pipeline.nas_cli import app as nas
from pipeline.params import PARAMS_FILE
from pipeline.since import Since
from pipeline.stage import one_line_errors
from pipeline.study_cli import app as study
from pipeline.zoo_cli import app as zoo
from scrapers.errors import ScrapeError
from serving.errors import ServingError

app = typer.Typer(
    help="Turn a web site into a model behind an API. `dvc repro` runs the chain; this serves its models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(zoo, name="zoo")
app.add_typer(study, name="study")
app.add_typer(nas, name="nas")


@app.command()
@one_line_errors(ServingError)
def serve(
    models: Annotated[Path, typer.Option(help="Folder of bundles: NAME/VERSION/model.onnx.")] = Path(
        "artifacts/models"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    grpc_port: Annotated[
        int | None, typer.Option(help="Port to answer gRPC on; none without it, 0 takes a free one.")
    ] = None,
    json_logs: Annotated[bool, typer.Option(help="Log each request, and all else, as JSON lines.")] = False,
    model_control: Annotated[bool, typer.Option(help="Let clients load and unload models.")] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the port, each with all models in memory.")
    ] = 1,
    api_keys: Annotated[
        Path | None, typer.Option(help="File of the API keys to ask for, as `millrace serve-key` makes it.")
    ] = None,
    open_metrics: Annotated[bool, typer.Option(help="Ask for no API key at /metrics.")] = False,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Let pages of this origin ask from browsers; may be repeated.")
    ] = None,
    traffic: Annotated[
        Path | None, typer.Option(help="YAML file of the shares that canary and shadow versions have.")
    ] = None,
    otlp_endpoint: Annotated[
        str | None, typer.Option(help="OpenTelemetry collector to send a span a request to, over HTTP.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="Spec of the site whose pages are fetched for /predict-url.")
    ] = None,
    drain_wait: Annotated[
        float, typer.Option(min=0, help="Seconds to go on answering, not ready, once told to end.")
    ] = 0,
) -> None:
    """Serve every exported model: the Open Inference Protocol, plain predictions, a page to try them."""
    from serving.options import Options
    from serving.run import serve as run_service

    run_service(
        Options(
            models, host=host, port=port, control=model_control, grpc_port=grpc_port, json_logs=json_logs,
            drain_wait_s=drain_wait, workers=workers, api_keys=api_keys, open_metrics=open_metrics,
            cors_origins=tuple(cors_origin or ()), traffic=traffic,
            otlp_endpoint=otlp_endpoint, site=site,
        )
    )  # fmt: skip


@app.command("serve-key")
@one_line_errors(ServingError)
def serve_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; the request log has this name.")],
    api_keys: Annotated[Path, typer.Option(help="File to add it to.")] = Path("api-keys.txt"),
) -> None:
    """Make an API key, add its hash to the file that `serve --api-keys` reads, and print it, once."""
    from serving.keys import add_key

    print(add_key(api_keys, name))


@app.command()
@one_line_errors(ScrapeError)
def crawl(
    site: Annotated[Path, typer.Argument(help="The site spec.")],
    pages: Annotated[Path, typer.Argument(help="Folder for pages.warc.gz and the crawl's report.")],
    since: Since = None,
) -> None:
    """Crawl a site as its spec says. Run again, it goes on where it stopped, or fetches what has changed."""
    from pipeline.crawl import main

    main(site, pages, since)


@app.command()
@one_line_errors(ScrapeError)
def scrape(
    site: Annotated[Path, typer.Argument(help="The site spec.")],
    out: Annotated[Path, typer.Argument(help="Table to write: a name in .csv, .jsonl or .parquet.")],
    pages: Annotated[
        Path | None,
        typer.Option(help="Folder for the archive and reports; by default named after the table."),
    ] = None,
    since: Since = None,
) -> None:
    """Crawl a site and write its records as a table, without the chain. Run again, it goes on, or updates."""
    from pipeline.scrape import main

    main(site, out, pages, since)


@app.command()
@one_line_errors(ScrapeError)
def probe(
    url: Annotated[str, typer.Argument(help="A page of the site.")],
    site: Annotated[Path, typer.Option(help="The site spec.")],
    watch: Annotated[bool, typer.Option("--watch", help="Read it again whenever the spec is saved.")] = False,
) -> None:
    """Fetch one page and print the record it yields, what found it, and which selectors matched nothing."""
    from scrapers.probe import probe as probe_page
    from scrapers.spec import load_site

    if not watch:
        print(probe_page(url, load_site(site)).format())
        return
    from scrapers.watch import watch as watch_page

    with contextlib.suppress(KeyboardInterrupt):
        for text in watch_page(url, site):
            print("\033[2J\033[H" if sys.stdout.isatty() else "", end="")
            print(f"{text}\n\nwatching {site}, Ctrl-C ends", flush=True)


@app.command("new-site")
@one_line_errors(ScrapeError)
def new_site(
    url: Annotated[str, typer.Argument(help="A page that lists records, or shows one.")],
    out: Annotated[Path | None, typer.Option(help="File to write; by default named after the host.")] = None,
) -> None:
    """Fetch a page and a few that it leads to, and write a first spec of the site, to be edited."""
    from scrapers.new_site import new_site as guess

    found = guess(url)
    path = out or Path(f"{found.name}.yaml")
    if path.exists():
        raise ScrapeError(f"{path}: expected to write a new file, one is there: name another with --out")
    try:
        path.write_text(found.text, encoding="utf-8")
    except OSError as error:
        raise ScrapeError(f"{path}: expected to write a file there, got: {error.strerror}") from error
    print("\n".join([f"wrote {path}", *(f"  {note}" for note in found.notes)]))
    print(f"next: millrace probe URL --site {path} --watch (URL: a page with a record), and edit the spec")


@app.command("test-model")
@one_line_errors(FeatureError, ModelError)
def check_model(
    url: Annotated[str, typer.Argument(help="A running service.")] = "http://127.0.0.1:8000",
    selection: Annotated[Path, typer.Option(help="What select_features wrote.")] = Path("data/selection"),
    rows: Annotated[Path, typer.Option(help="The test rows that evaluate wrote.")] = Path(
        "data/evaluated.parquet"
    ),
    params: Annotated[Path, typer.Option(help="The chain's parameters.")] = PARAMS_FILE,
) -> None:
    """Test the behaviour of the served model on the test rows, with the checks that gate the export."""
    from pipeline.live import check_service

    for line in check_service(url, selection, rows, params):
        print(line)


if __name__ == "__main__":
    app()
