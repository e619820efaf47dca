"""Questions of several parts as intent graphs: what may be answered by parts, and how."""
