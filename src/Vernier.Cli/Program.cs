using System.Runtime.InteropServices;
using System.Text;
using Vernier.Cli;
using Vernier.Cli.Terminal;

Console.OutputEncoding = Encoding.UTF8;
using var interrupted = new CancellationTokenSource();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
return VernierCommand.Run(args, CommandConsole.OfProcess(), interrupted.Token);

// The first signal lets the work clean up after itself; the second ends the process.
void Cancel(PosixSignalContext context)
{
    context.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
