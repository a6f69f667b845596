"""Reports: tables and figures of a run as Markdown, one self-contained HTML page and PNG files.

Everything here reads the JSON, CSV and safetensors files that the stages wrote; nothing loads a model.
"""

from headshrink.report.results import Results, read_results
from headshrink.report.write import write_report

__all__ = ["Results", "read_results", "write_report"]
