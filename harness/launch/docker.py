HINT=""
def problem(): return "not yet"
class DockerLauncher: pass
