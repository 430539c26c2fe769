"""The LangGraph workflow of a run: state, graph, one file a node. No other folder imports langgraph."""
