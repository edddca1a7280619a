"""The dashboard: pages that ask, call the library, and show; `app.py` is what Streamlit runs."""
