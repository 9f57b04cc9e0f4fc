def return_buildingstock(*a, **k):
    raise NotImplementedError
