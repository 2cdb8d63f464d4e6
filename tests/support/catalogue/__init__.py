"""What WeChat's pages say of each interface, typed from them.

Each service has a table.
"""
