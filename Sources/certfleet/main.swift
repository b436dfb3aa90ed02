print("certfleet")
