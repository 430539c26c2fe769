"""The LangGraph workflow of a run: state, graph, nodes. No other folder imports langgraph."""
