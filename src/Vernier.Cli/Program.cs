using System.Runtime.InteropServices;
using System.Text;
using Vernier.Cli;
using Vernier.Cli.Terminal;

// SIGXFSZ, 25 on Linux and macOS. Where it does not end the process, the write that was too much fails like any other.
const PosixSignal FileSizeExceeded = (PosixSignal)25;

Console.OutputEncoding = Encoding.UTF8;
using var interrupted = new CancellationTokenSource();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
using PosixSignalRegistration? tooLarge = OperatingSystem.IsWindows() ? null
    : PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true);
return VernierCommand.Run(args, CommandConsole.OfProcess(), interrupted.Token);

// The first signal lets the work clean up after itself; the second ends the process.
void Cancel(PosixSignalContext context)
{
    context.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
