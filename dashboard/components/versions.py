"""The versions of a model side by side, with their figures; hosts choose the default here."""

from __future__ import annotations

import streamlit as st

from dashboard.charts import charts
from dashboard.components.chart import draw
from dashboard.components.version_choice import remember_version
from dashboard.failures import shown_failures
from dashboard.words import count, day, number, plain, with_unit
from engine import Figure, GuardedEngine, ModelEntry, Version

_MOST_COLUMNS = 6


def show_versions(engine: GuardedEngine, entry: ModelEntry) -> None:
    """All versions, the newest first; nothing where there is one only."""
    if len(entry.versions) < 2:
        return
    st.subheader("Versions", anchor=False)
    versions = entry.versions[::-1]
    names = list(dict.fromkeys(_name(figure) for version in versions for figure in version.figures))[:_MOST_COLUMNS]
    _show_table(entry, versions, names)
    shared = [name for name in names if sum(name in _figures(version) for version in versions) > 1]
    if shared and len(versions) > 2:
        _show_chart(entry, shared)
    _choose(engine, entry)


def _show_table(entry: ModelEntry, versions: tuple[Version, ...], names: list[str]) -> None:
    figures = [_figures(version) for version in versions]
    table: dict[str, list[object]] = {
        "Version": [version.name for version in versions],
        "Default": ["✓" if version.name == entry.default else "" for version in versions],
        **{name: [each[name].value if name in each else None for each in figures] for name in names},
        "Made": [day(version.created) if version.created else "" for version in versions],
        "Measured on": [next((figure.data for figure in version.figures), "") for version in versions],
        "Note": [version.note for version in versions],
    }
    own = ("Version", "Default", *names)
    shown = {name: cells for name, cells in table.items() if name in own or any(cells)}
    config = {name: st.column_config.NumberColumn(name, format="%.4g") for name in names}
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        height="content" if len(versions) <= 12 else 460,
        column_config={**config, "Version": st.column_config.TextColumn(pinned=True)},
        alt=f"{count(len(versions), 'version')} of {entry.usable_card().title}; the default is {entry.default}",
    )


def _show_chart(entry: ModelEntry, shared: list[str]) -> None:
    name = shared[0]
    if len(shared) > 1:
        name = str(st.segmented_control("Figure", shared, default=name, required=True, key=f"figure-of-{entry.id}"))
    points = [(v.name, _figures(v)[name].value) for v in entry.versions if name in _figures(v)]
    figure = charts.versions_figure(points, name, entry.default)
    ends = ", ".join(f"{version} {number(value)}" for version, value in points[:20])
    draw(figure, f"{name} by version: {ends}.", f"versions-{entry.id}")


def _choose(engine: GuardedEngine, entry: ModelEntry) -> None:
    """Predict with one of them; for hosts, make it the default."""
    names = [version.name for version in entry.versions[::-1]]
    key, waiting = f"chosen-version-{entry.id}", st.session_state.pop(_next(entry), "")
    if waiting in names:
        st.session_state[key] = waiting
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = str(st.selectbox("Version", names, width=220, key=key, format_func=plain))
        usable = engine.model(entry.id, name)
        if st.button("Predict with this version", icon=":material/bolt:", disabled=usable.card is None):
            remember_version(entry, name)
            st.switch_page("app_pages/predict.py", query_params={"model": entry.id, "version": name})
        if engine.caller.operates:
            said = "Visitors get it from now on, at once. Runs keep the version they have."
            if st.button(
                "Make it the default",
                icon=":material/settings_backup_restore:",
                disabled=name == entry.default or usable.card is None,
                help=said,
                type="primary",
            ):
                with shown_failures():
                    engine.set_default(entry.id, name)
                    st.toast(f"The default is version {plain(name)} now; it was {plain(entry.default)}.")
                    st.rerun()
    if usable.card is None:
        st.error(f"**Version {plain(name)}**: {plain(usable.error, 2_000)}", icon=":material/error:")


def choose_next(entry: ModelEntry, name: str) -> None:
    """Has that version be the chosen one when the page is made again."""
    st.session_state[_next(entry)] = name


def _next(entry: ModelEntry) -> str:
    return f"next-version-{entry.id}"


def _figures(version: Version) -> dict[str, Figure]:
    return {_name(figure): figure for figure in version.figures}


def _name(figure: Figure) -> str:
    return with_unit(figure.name, figure.unit)
