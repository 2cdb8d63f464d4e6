"""The sandbox's WeChat Pay: its interfaces and signatures."""
