namespace Vernier.Cli.Terminal;

/// <summary>The command is wrong, whatever the files hold: exit status 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
